"""A real API process, and sockets that speak to it as no library would."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.local.instance import answers
from runtime.embedded.processes import choose_port, wait_until
from tests.cli.running import clean_environment
from tests.scenarios.account import Account
from tests.scenarios.product import SECRET

NO_TEMPORAL = "127.0.0.1:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came back on one connection until the server closed it, or said nothing more."""

    text: bytes
    is_closed: bool
    seconds: float

    @property
    def status(self) -> int | None:
        """That of the first answer; None if there was none."""
        return int(self.text[9:12]) if self.text.startswith(b"HTTP/1.1 ") else None

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document that the first answer is; empty if it is none."""
        head, _, body = self.text.partition(b"\r\n\r\n")
        if b"application/problem+json" not in head.lower():
            return {}
        document: dict[str, Any] = json.JSONDecoder().raw_decode(body.decode())[0]
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One API process by its pid, and an organization's key."""

    port: int
    pid: int
    log: Path
    key: str

    def connect(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def say(self, *pieces: bytes, for_seconds: float = 5.0) -> Heard:
        """Send this, and listen until an answer is complete and nothing follows."""
        with self.connect() as connection:
            began = time.monotonic()
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except OSError:
                    # The server answered and closed before it had heard everything.
                    break
            return listen(connection, began, for_seconds)

    def memory_bytes(self, name: str) -> int:
        """``VmRSS`` is what the process has in memory, ``VmHWM`` the most that it had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(name))
        return int(line.split()[1]) * 1024

    def processor_seconds(self) -> float:
        """How long the process has computed."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def forget_peak(self) -> None:
        """The most that it had is what it has."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


def listen(connection: socket.socket, began: float, for_seconds: float) -> Heard:
    """What comes until the end, or until an answer is there and nothing more for a while."""
    text, closed, answered_at = b"", False, 0.0
    while time.monotonic() - began < for_seconds and not closed:
        connection.settimeout(0.1)
        try:
            more = connection.recv(65536)
        except TimeoutError:
            if text:
                break
            continue
        except OSError:
            more = b""
        closed = not more
        text += more
        answered_at = time.monotonic() - began
    return Heard(text=text, is_closed=closed, seconds=answered_at)


@contextmanager
def running_site(
    database_url: str, directory: Path, *, processes: int = 1, **settings: str
) -> Iterator[Site]:
    """An API process, or several, with an organization, ended afterwards."""
    port = choose_port()
    environment = clean_environment() | {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": NO_TEMPORAL,
        "FLUXRATE_SECRET_KEY": SECRET,
        "FLUXRATE_SIGNUP": "open",
        **settings,
    }
    log, several = directory / "api.log", ["--processes", str(processes)]
    with log.open("ab") as written:
        api = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "api", "--port", str(port), *several],
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        assert wait_until(lambda: answers(f"{url}/livez"), timeout_seconds=120), log.read_text()
        account = Account(url).sign_up()
        account.create_meter("api_calls")
        scopes = ["usage.write", "billing.write"]
        key = account.post("/api-keys", {"name": "Backend", "scopes": scopes})["key"]
        yield Site(port=port, pid=api.pid, log=log, key=key)
    finally:
        os.kill(api.pid, signal.SIGTERM)
        api.wait(60)
