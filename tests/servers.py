"""The servers of one test run: started when a test first needs them, ended with the run.

Everything lives in one directory that the run's first process claims. A run that was killed left
its directory unclaimed; the next run stops what still runs there, by pid, and removes it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from uuid import uuid4

from sqlalchemy import Engine, create_engine, pool

from runtime.database.accounts import MIGRATIONS, PROCESSES
from runtime.database.engine import sqlalchemy_url
from runtime.database.migrations import upgrade
from runtime.embedded.engines import SUPERUSER, EmbeddedPostgres, EmbeddedTemporal
from runtime.embedded.processes import PidFile
from workflows.names import SEARCH_ATTRIBUTES

RUN_DIRECTORY = "FLUXRATE_TEST_RUN"
"""Environment variable by which the processes of one run share its directory."""

FAST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # No statement of tests repays compiling it, and no database of theirs grows old.
    "jit": "off",
    "autovacuum": "off",
}
"""Enough for tests that do not kill the server; crash tests start one with the defaults."""

TEMPLATE = "template_fluxrate"
"""The database with the current schema and no rows, to clone."""

ORIGINAL = "postgres-original"
"""The server whose files those of all processes begin with."""

PREFIX = f"fluxrate-tests-{os.getuid()}-"

MEMORY = Path("/dev/shm")
"""Files that Linux keeps in memory. Every module clones a database of a thousand files, which takes
a sixth of the time there. Who kills a server takes nothing from them, as little as from a disk."""

ROOM_BYTES = 4 * 2**30
"""How much must be free there: three servers and their databases need a quarter of it."""


class TestRun:
    """The directory of this run and the right to clean it up."""

    __test__ = False

    def __init__(self) -> None:
        end_abandoned_runs()
        # It gets the name that other runs look for when it is claimed, not a moment before.
        unclaimed = Path(tempfile.mkdtemp(prefix=f"starting-{PREFIX}", dir=place_of_runs()))
        self._claim = PidFile(unclaimed / "run.pid")
        self._claim.claim()
        self.directory = unclaimed.rename(
            unclaimed.with_name(unclaimed.name.removeprefix("starting-"))
        )
        os.environ[RUN_DIRECTORY] = str(self.directory)
        self._making: Thread | None = None

    def make_original_meanwhile(self) -> None:
        """While processes load their tests, what the servers of all of them begin with is made."""
        self._making = Thread(target=make_original)
        self._making.start()

    def end(self) -> None:
        """Every server of the run has ended and its files are gone."""
        if self._making is not None:
            self._making.join()
        os.environ.pop(RUN_DIRECTORY, None)
        end_servers(self.directory)
        self._claim.release()
        shutil.rmtree(self.directory, ignore_errors=True)


def place_of_runs() -> Path:
    """Where runs have their directories: in memory if there is room, else among temporary files."""
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_BYTES
    return MEMORY if is_roomy and os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())


def run_directory() -> Path:
    """The directory that this run's processes share."""
    return Path(os.environ[RUN_DIRECTORY])


def start_postgres(name: str) -> EmbeddedPostgres:
    """A running server for the tests of one process."""
    data_dir = run_directory() / name
    data_dir.mkdir(exist_ok=True)
    server = EmbeddedPostgres(data_dir, server_settings=FAST_SETTINGS)
    server.start()
    return server


def start_migrated_postgres(name: str) -> EmbeddedPostgres:
    """A running server for the tests of one process, with the template.

    It begins with the files of the original: to migrate takes as long as hundreds of tests.
    """
    data_dir = run_directory() / name
    if not data_dir.exists():
        original = make_original()
        data_dir.mkdir()
        # With whom they belong to.
        subprocess.run(["cp", "-a", str(original), str(data_dir)], check=True)
    return start_postgres(name)


def make_original() -> Path:
    """The files of a server that has the template and has ended: made by whoever asks first."""
    data_dir = run_directory() / ORIGINAL
    made = data_dir / "made"
    with one_at_a_time(run_directory() / f"{ORIGINAL}.lock"):
        if not made.exists():
            server = start_postgres(ORIGINAL)
            make_database(server, TEMPLATE)
            server.stop()
            made.touch()
    return data_dir / "postgres"


def start_durable_postgres(name: str) -> EmbeddedPostgres:
    """A running server that keeps its promises when it is killed.

    In the run's own directory, which the server's system account may enter whatever other runs do.
    """
    data_dir = run_directory() / f"{name}-{uuid4()}"
    data_dir.mkdir()
    server = EmbeddedPostgres(data_dir)
    server.start()
    return server


def make_database(server: EmbeddedPostgres, name: str) -> str:
    """The address, for processes, of a database with the current schema."""
    address = server.ensure_database(name)
    upgrade(migration_url(address))
    return process_url(address)


def process_url(url: str) -> str:
    """The same database by the account that processes have."""
    return _by_account(url, PROCESSES)


def migration_url(url: str) -> str:
    """The same database by the account that migrates it."""
    return _by_account(url, MIGRATIONS)


def superuser_url(url: str) -> str:
    """The same database by whoever sees and may do everything, as tests do behind the product."""
    return _by_account(url, SUPERUSER)


def superuser_engine(url: str) -> Engine:
    """Connections of whom no policy holds back, one for each use."""
    return create_engine(sqlalchemy_url(superuser_url(url)), poolclass=pool.NullPool)


def _by_account(url: str, account: str) -> str:
    return re.sub("//[^@/]*@", f"//{account}@", url, count=1)


def start_shared_temporal() -> EmbeddedTemporal:
    """The one Temporal server of this run, whichever process asks first."""
    data_dir = run_directory() / "temporal"
    data_dir.mkdir(exist_ok=True)
    server = EmbeddedTemporal(data_dir, SEARCH_ATTRIBUTES)
    with one_at_a_time(data_dir / "start.lock"):
        server.start()
    return server


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Wait for other processes that are inside with the same path."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def end_servers(directory: Path) -> None:
    """Stop every server whose pid file lies under the directory."""
    for pid_file in sorted(directory.rglob("temporal.pid")):
        EmbeddedTemporal(pid_file.parent, {}).stop()
    for pid_file in sorted(directory.rglob("postgres.pid")):
        EmbeddedPostgres(pid_file.parent).stop()


def end_abandoned_runs() -> None:
    """Nothing is left of runs whose process was killed."""
    places = {MEMORY, Path(tempfile.gettempdir())}
    for directory in (one for place in places for one in place.glob(f"{PREFIX}*")):
        claim = PidFile(directory / "run.pid")
        if claim.path.exists() and claim.holder() is None:
            end_servers(directory)
            shutil.rmtree(directory, ignore_errors=True)
