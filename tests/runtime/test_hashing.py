"""Passwords are hashed by processes of their own that stand back behind who answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.hashing import HashingProcesses
from runtime.processes.priority import BILLING_NICENESS, HASHING_NICENESS

PASSWORD = "correct-horse-9"


@pytest.fixture
def hashing() -> Iterator[HashingProcesses]:
    processes = HashingProcesses()
    yield processes
    processes.close()


def test_login_waits_behind_answers_and_before_bills(hashing: HashingProcesses) -> None:
    """Behind all others it took forty seconds where six were busy: its client had gone."""
    hashed = hashing.hash(PASSWORD)

    [pid] = hashing.pids()
    assert os.getpriority(os.PRIO_PROCESS, pid) == HASHING_NICENESS
    assert 0 < HASHING_NICENESS < BILLING_NICENESS
    assert hashing.verify_and_update(PASSWORD, hashed) == (True, None)
    assert hashing.verify_and_update("wrong-horse-9", hashed) == (False, None)
    assert hashing.pids() == [pid]


def test_process_that_hashes_stands_back_with_its_session_too(hashing: HashingProcesses) -> None:
    hashing.hash(PASSWORD)
    [pid] = hashing.pids()
    assert os.getsid(pid) == pid
    if not takes_wishes():
        pytest.skip("Linux keeps no shares of sessions here, or takes no wishes for them.")

    wanted, deadline = f" nice {HASHING_NICENESS}", time.monotonic() + 180
    while (text := read_share(pid)) and not text.endswith(wanted):
        # Linux takes few such wishes in a second, whoever has them: others may have been first.
        assert time.monotonic() < deadline
        os.kill(pid, signal.SIGKILL)
        hashing.hash(PASSWORD)
        [pid] = hashing.pids()


WISH = """
import sys, time
from pathlib import Path

share = Path("/proc/self/autogroup")
for _ in range(600):
    try:
        share.write_text("1")
    except BlockingIOError:
        time.sleep(0.1)
    else:
        break
sys.exit(0 if share.read_text().strip().endswith(" nice 1") else 1)
"""


def takes_wishes() -> bool:
    """Whether a session here may say how nice it is."""
    asked = [sys.executable, "-c", WISH]
    done = subprocess.run(asked, start_new_session=True, capture_output=True, check=False)
    return done.returncode == 0


def read_share(pid: int) -> str:
    """What Linux says of a session's share of the processors; nothing where it keeps none."""
    try:
        return Path(f"/proc/{pid}/autogroup").read_text().strip()
    except OSError:
        return ""


def test_process_that_was_killed_is_replaced(hashing: HashingProcesses) -> None:
    hashed = hashing.hash(PASSWORD)
    [pid] = hashing.pids()

    os.kill(pid, signal.SIGKILL)

    assert hashing.verify_and_update(PASSWORD, hashed) == (True, None)


def test_two_who_ask_at_once_have_a_process_each_and_their_own_answers(
    hashing: HashingProcesses,
) -> None:
    hashes: dict[str, str] = {}

    def ask(password: str) -> None:
        hashes[password] = hashing.hash(password)

    threads = [threading.Thread(target=ask, args=[f"{PASSWORD}-{n}"]) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(hashing.verify_and_update(*one)[0] for one in hashes.items())
    assert len(hashes) == 2


def test_process_ends_with_the_one_that_asks_it() -> None:
    program = (
        "import os; from runtime.hashing import HashingProcesses;"
        " hashing = HashingProcesses(); hashing.hash('correct-horse-9');"
        " print(hashing.pids()[0], flush=True); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    pid, deadline = int(done.stdout), time.monotonic() + 180
    while Path(f"/proc/{pid}/cmdline").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
