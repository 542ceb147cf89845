"""A test run that was killed leaves nothing behind for longer than until the next one."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from runtime.embedded import EmbeddedPostgres
from tests.servers import PREFIX, end_abandoned_runs

RUN_AND_WAIT = """
import tempfile, time
tempfile.tempdir = {directory!r}
from tests.servers import TestRun, start_postgres
TestRun()
start_postgres("postgres-master")
print("started", flush=True)
time.sleep(60)
"""


def test_servers_of_a_killed_run_are_ended_and_those_of_a_living_one_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = RUN_AND_WAIT.format(directory=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"started\n"
        (directory,) = tmp_path.glob(f"{PREFIX}*")
        server = EmbeddedPostgres(directory / "postgres-master")

        end_abandoned_runs()
        survived_while_alive = server.is_ready()
        run.send_signal(signal.SIGKILL)
        run.wait()
        end_abandoned_runs()

    assert survived_while_alive
    assert not directory.exists()
    assert not server.is_ready()
