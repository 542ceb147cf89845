"""A test run that was killed leaves nothing behind for longer than until the next one."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.embedded.engines import EmbeddedPostgres
from tests import servers
from tests.servers import PREFIX, end_abandoned_runs, place_of_runs

RUN_AND_WAIT = """
import time
from pathlib import Path
from tests import servers
servers.MEMORY, servers.ROOM_BYTES = Path({directory!r}), 0
servers.TestRun()
servers.start_postgres("postgres-master")
print("started", flush=True)
time.sleep(60)
"""


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path leaves room for that of a socket, which pytest's own do not."""
    directory = Path(tempfile.mkdtemp())
    yield directory
    shutil.rmtree(directory)


def test_servers_of_a_killed_run_are_ended_and_those_of_a_living_one_are_not(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "MEMORY", short_path)
    program = RUN_AND_WAIT.format(directory=str(short_path))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"started\n"
        (directory,) = short_path.glob(f"{PREFIX}*")
        server = EmbeddedPostgres(directory / "postgres-master")

        end_abandoned_runs()
        survived_while_alive = server.is_ready()
        run.send_signal(signal.SIGKILL)
        run.wait()
        end_abandoned_runs()

    assert survived_while_alive
    assert not directory.exists()
    assert not server.is_ready()


def test_runs_are_in_memory_where_there_is_room(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "MEMORY", short_path)

    monkeypatch.setattr(servers, "ROOM_BYTES", 0)
    assert place_of_runs() == short_path
    monkeypatch.setattr(servers, "ROOM_BYTES", 2**80)
    assert place_of_runs() == Path(tempfile.gettempdir())
    monkeypatch.setattr(servers, "MEMORY", short_path / "none")
    monkeypatch.setattr(servers, "ROOM_BYTES", 0)
    assert place_of_runs() == Path(tempfile.gettempdir())
