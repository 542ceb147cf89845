"""A pid file names a living process or nobody, and signals reach only its holder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.embedded.processes import (
    Command,
    PidFile,
    ProcessFailure,
    choose_port,
    keep_port,
    port_is_free,
    wait_until,
)
from tests.stopwatch import Stopwatch

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-c",
    """import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
""",
)


@pytest.fixture
def pid_file(tmp_path: Path) -> Iterator[PidFile]:
    """A pid file whose holder ends with the test."""
    pid_file = PidFile(tmp_path / "some.pid")
    yield pid_file
    if pid_file.holder() != os.getpid():
        pid_file.stop(signal.SIGKILL, timeout_seconds=5)


def test_spawned_process_holds_the_file_until_it_ends(pid_file: PidFile, tmp_path: Path) -> None:
    process = pid_file.spawn(Command(words=SLEEP, log=tmp_path / "log", note="7233,8233"))

    held_by, note = pid_file.holder(), pid_file.note()
    process.kill()
    process.wait()

    assert (held_by, note) == (process.pid, "7233,8233")
    assert (pid_file.holder(), pid_file.note()) == (None, None)


def test_second_holder_is_refused(pid_file: PidFile, tmp_path: Path) -> None:
    pid_file.spawn(Command(words=SLEEP, log=tmp_path / "log"))

    with pytest.raises(ProcessFailure, match="is held by"):
        pid_file.spawn(Command(words=SLEEP, log=tmp_path / "log"))
    assert not pid_file.claim()


def test_claim_lasts_until_release(pid_file: PidFile) -> None:
    claimed = pid_file.claim()
    holder = pid_file.holder()
    pid_file.release()

    assert (claimed, holder, pid_file.holder()) == (True, os.getpid(), None)


def test_stop_spares_the_stranger_whose_pid_is_in_a_stale_file(pid_file: PidFile) -> None:
    with subprocess.Popen(SLEEP) as stranger:
        pid_file.path.write_text(f"{stranger.pid} -\n")

        stopped = pid_file.stop(signal.SIGKILL, timeout_seconds=1)

        assert stopped
        assert stranger.poll() is None
        stranger.kill()


def test_process_that_ignores_sigterm_is_killed_and_that_is_told(
    pid_file: PidFile, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    pid_file.spawn(Command(words=STUBBORN, log=log))
    assert wait_until(lambda: "deaf" in log.read_text(), timeout_seconds=20)

    ended_by_itself = pid_file.stop(signal.SIGTERM, timeout_seconds=0.3)

    assert not ended_by_itself
    assert pid_file.holder() is None


def test_module_on_a_lifeline_ends_with_its_parent(pid_file: PidFile, tmp_path: Path) -> None:
    module = tmp_path / "patient.py"
    module.write_text("import time\nprint('here', flush=True)\ntime.sleep(60)\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    words = (sys.executable, "-m", "runtime.processes.lifeline", "patient")
    log = tmp_path / "log"
    process = pid_file.spawn(Command(words=words, log=log, environment=environment, lifeline=True))
    assert wait_until(lambda: "here" in log.read_text(), timeout_seconds=20), log.read_text()

    # What the operating system does when the parent is killed.
    assert process.stdin is not None
    process.stdin.close()

    assert process.wait(10) == -signal.SIGTERM


def test_wait_until_gives_up_in_time() -> None:
    watch = Stopwatch()

    assert not wait_until(lambda: False, timeout_seconds=0.2)
    assert watch.seconds() < 5


def test_busy_preferred_port_is_replaced() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        busy = server.getsockname()[1]

        assert not port_is_free(busy)
        assert choose_port(busy) != busy
    assert port_is_free(choose_port())


def test_port_of_a_server_is_one_that_no_client_is_given() -> None:
    """Else a connection that somebody opens takes it before the server listens."""
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(given.read_text().split()[0]) if given.exists() else 32_768

    assert all(choose_port() < lowest for _ in range(50))


def test_port_that_is_held_for_a_moment_is_kept() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        assert keep_port(port, seconds=0.1) != port
        threading.Timer(0.3, holder.close).start()

        assert keep_port(port) == port
