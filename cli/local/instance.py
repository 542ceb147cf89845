"""One installation on this machine: its data directory and the processes that belong to it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from http.client import HTTPResponse
from pathlib import Path

from runtime.embedded.processes import Command, PidFile, ProcessFailure, last_lines, wait_until
from runtime.processes.supervision import name_end
from services.operations.outbound import Outbound

STOP_TIMEOUT_SECONDS = 25.0
"""A worker finishes the steps that run, for at most twenty seconds, before it ends."""

READINESS_PAUSE_SECONDS = 0.2

PROCESS_NAMES = {
    "up": "Supervisor",
    "api": "API",
    "worker": "Worker",
    "temporal": "Temporal",
    "postgres": "PostgreSQL",
}
"""Pid files of an instance, in the order in which its processes are stopped."""

STOP_SIGNALS = {"postgres": signal.SIGINT}
"""PostgreSQL takes SIGINT as: end the sessions, write everything down, stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where a running instance answers."""

    api_url: str
    docs_url: str
    temporal_address: str
    temporal_namespace: str
    temporal_ui_url: str | None
    """None if Temporal is not ours and nobody said where its interface is."""
    database_url: str
    """Without its password."""
    outbound: str = Outbound.ON
    """Whether anything leaves it."""

    @property
    def host_url(self) -> str:
        """Where all of it answers, below which the API has its prefix."""
        return self.docs_url.removesuffix("/docs")


@dataclass(frozen=True, slots=True)
class Instance:
    """The data directory of one installation."""

    data_dir: Path

    def pid_file(self, process: str) -> PidFile:
        """The file that names one of its processes."""
        return PidFile(self.data_dir / f"{process}.pid")

    def log(self, process: str) -> Path:
        """Where one of its processes writes."""
        return self.data_dir / "logs" / f"{process}.log"

    def running(self) -> dict[str, int]:
        """Pids of its living processes, by the name of their pid file."""
        found = {name: self.pid_file(name).holder() for name in PROCESS_NAMES}
        return {name: pid for name, pid in found.items() if pid is not None}

    def stop_everything(self) -> list[str]:
        """No process of this instance is left; returns the names of those that had to be killed."""
        killed = []
        for name, title in PROCESS_NAMES.items():
            if name == "api":
                # The API and the worker need not wait for each other.
                self.pid_file("worker").send(signal.SIGTERM)
            if self.pid_file(name).holder() in (None, os.getpid()):
                continue
            sent = STOP_SIGNALS.get(name, signal.SIGTERM)
            timeout = STOP_TIMEOUT_SECONDS * (2 if name == "up" else 1)
            if not self.pid_file(name).stop(sent, timeout_seconds=timeout):
                killed.append(title)
        return killed

    def addresses(self) -> Addresses | None:
        """Where it answers, as written down when it was ready."""
        try:
            return Addresses(**json.loads(self._addresses_file.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write_addresses(self, addresses: Addresses) -> None:
        """Tell other commands where this instance answers."""
        self._addresses_file.write_text(json.dumps(asdict(addresses), indent=2) + "\n")

    def forget_addresses(self) -> None:
        """Nothing answers any more."""
        self._addresses_file.unlink(missing_ok=True)

    def port_of(self, server: str, default: int) -> int:
        """The port that a server had when it last ran from here, so that bookmarks hold."""
        try:
            return int(json.loads(self._ports_file.read_text())[server])
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return default

    def remember_ports(self, ports: Mapping[str, int]) -> None:
        """The next start asks for these ports first."""
        self._ports_file.write_text(json.dumps(ports) + "\n")

    def secret_key(self) -> str:
        """The key that signs this installation's tokens, made once and kept private."""
        if not self.secret_key_file.exists():
            self.keep_secret_key(secrets.token_urlsafe(48))
        return self.secret_key_file.read_text()

    def keep_secret_key(self, secret_key: str) -> None:
        """The installation's key is this one from now on, for its account alone."""
        # Renamed when complete, so that an interruption leaves no empty key.
        unfinished = self.secret_key_file.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secret_key)
        unfinished.rename(self.secret_key_file)

    @property
    def secret_key_file(self) -> Path:
        """Where the key is that ``up`` made."""
        return self.data_dir / "secret_key"

    @property
    def _ports_file(self) -> Path:
        return self.data_dir / "ports.json"

    @property
    def _addresses_file(self) -> Path:
        return self.data_dir / "addresses.json"


@dataclass(slots=True)
class PythonProcess:
    """The API or a worker as a child that ends with this process."""

    name: str
    module: str
    arguments: list[str]
    pid_file: PidFile
    log: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """It was started; one left over by a killed supervisor is stopped first."""
        self.stop()
        words = [sys.executable, "-m", "runtime.processes.lifeline", self.module, *self.arguments]
        self.process = self.pid_file.spawn(
            Command(words=words, log=self.log, environment=self.environment, lifeline=True)
        )

    def stop(self) -> None:
        """It has ended."""
        self.pid_file.stop(signal.SIGTERM, timeout_seconds=STOP_TIMEOUT_SECONDS)
        if self.process is not None:
            self.process.wait()

    def describe_end(self) -> str:
        """How it ended, if that is known, and where it says why."""
        return name_end(self.process.poll() if self.process is not None else None, log=self.log)


def wait_for_api(api: PythonProcess, url: str, *, timeout_seconds: float = 300) -> None:
    """The API says that it and what it depends on is ready.

    Raises:
        ProcessFailure: it ended, or is not ready in time; the text ends with its log.
    """
    is_ready = False

    def is_settled() -> bool:
        nonlocal is_ready
        is_ready = answers(f"{url}/readyz")
        return is_ready or api.pid_file.holder() is None

    wait_until(is_settled, timeout_seconds=timeout_seconds, pause_seconds=READINESS_PAUSE_SECONDS)
    # Once is enough: on a busy machine the next probe may be too slow again.
    if not is_ready:
        gone = api.pid_file.holder() is None
        how = api.describe_end() if gone else f" after {timeout_seconds:.0f} s: {said_by(url)}"
        raise ProcessFailure(
            f"The API did not become ready{how}\nThe end of {api.log}:\n{last_lines(api.log)}"
        )


def said_by(url: str) -> str:
    """What the installation says that it waits for."""
    try:
        with _open(f"{url}/readyz") as answer:
            return str(answer.read(2000), "utf-8", "replace")
    except urllib.error.HTTPError as refused:
        return str(refused.read(2000), "utf-8", "replace")
    except OSError as error:
        return f"{url} does not answer ({error})."


def answers(url: str) -> bool:
    """Whether a GET is answered with success."""
    try:
        with _open(url):
            return True
    except OSError:
        return False


def _open(url: str) -> AbstractContextManager[HTTPResponse]:
    """The answer to a GET, past every proxy. Raises OSError, HTTPError among them."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    answer: HTTPResponse = opener.open(url, timeout=5)
    return answer
