"""Servers of a benchmark: a PostgreSQL with safe settings, and APIs as processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime.database.migrations import upgrade
from runtime.embedded.engines import EmbeddedPostgres
from runtime.embedded.processes import choose_port

SECRET = "a secret of a benchmark, long enough to sign"
NO_TEMPORAL = "127.0.0.1:1"
"""Ingestion and reads never need Temporal."""

LISTENING = "0A"
"""What Linux calls the state of a socket that takes connections."""

SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min"}
"""A server sized for the machine; everything that keeps data safe stays on."""


@contextmanager
def running_postgres() -> Iterator[EmbeddedPostgres]:
    """A server of its own, gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="fluxrate-benchmark-"))
    server = EmbeddedPostgres(directory / "postgres", server_settings=SETTINGS)
    server.data_dir.mkdir()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def make_database(server: EmbeddedPostgres, name: str = "benchmark") -> str:
    """The address of a database with the current schema."""
    url = server.ensure_database(name)
    upgrade(url)
    return url


@dataclass(frozen=True, slots=True)
class Served:
    """Where the API answers, and its process: of several the one that began the others."""

    url: str
    pid: int


@contextmanager
def running_api(database_url: str, **settings: str) -> Iterator[str]:
    """The product's API process with these settings; gives its address."""
    with running_apis(database_url, 1, **settings) as served:
        yield served.url


@contextmanager
def running_apis(database_url: str, processes: int, **settings: str) -> Iterator[Served]:
    """The product's API in so many processes, all of which answer."""
    port = choose_port()
    environment = {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": NO_TEMPORAL,
        "FLUXRATE_SECRET_KEY": SECRET,
        "FLUXRATE_SIGNUP": "open",
        **settings,
    }
    words = ["-m", "cli.main", "api", "--processes", str(processes), "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with _answering(words, environment, url, "/livez") as process:
        while _count_listening(port) < processes and process.poll() is None:
            time.sleep(0.1)
        yield Served(url, process.pid)


@contextmanager
def running_process(
    words: list[str], environment: dict[str, str], url: str, probe: str
) -> Iterator[str]:
    """A Python process that answers at an address, ended afterwards."""
    with _answering(words, environment, url, probe):
        yield url


@contextmanager
def _answering(
    words: list[str], environment: dict[str, str], url: str, probe: str
) -> Iterator[subprocess.Popen[bytes]]:
    """It leads a session of its own, as those do that ``fluxrate up`` begins.

    Linux may share processors between sessions before it does between processes.
    """
    process = subprocess.Popen(
        [sys.executable, *words],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(process, url + probe)
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _count_listening(port: int) -> int:
    """How many sockets take connections at a port."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(one[1].endswith(f":{port:04X}") and one[3] == LISTENING for one in sockets)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            opener.open(url, timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{url} does not answer")
