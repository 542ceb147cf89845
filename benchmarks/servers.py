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
from pathlib import Path

from runtime.database.migrations import upgrade
from runtime.embedded.engines import EmbeddedPostgres
from runtime.embedded.processes import choose_port

SECRET = "a secret of a benchmark, long enough to sign"
NO_TEMPORAL = "127.0.0.1:1"
"""Ingestion and reads never need Temporal."""

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


@contextmanager
def running_api(database_url: str, **settings: str) -> Iterator[str]:
    """The product's API process with these settings; gives its address."""
    port = choose_port()
    environment = {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": NO_TEMPORAL,
        "FLUXRATE_SECRET_KEY": SECRET,
        "FLUXRATE_SIGNUP": "open",
        **settings,
    }
    words = ["-m", "cli.main", "api", "--processes", "1", "--port", str(port)]
    with running_process(words, environment, f"http://127.0.0.1:{port}", "/livez") as url:
        yield url


@contextmanager
def running_process(
    words: list[str], environment: dict[str, str], url: str, probe: str
) -> Iterator[str]:
    """A Python process that answers at an address, ended afterwards.

    It leads a session of its own, as those do that ``fluxrate up`` begins: Linux may share
    processors between sessions before it does between processes.
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
        yield url
    finally:
        process.terminate()
        process.wait(30)


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
