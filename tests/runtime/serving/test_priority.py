"""Whoever bills lets those go first who answer requests."""

from __future__ import annotations

import ctypes
import platform
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.embedded.processes import Command, PidFile
from runtime.processes.priority import take_short_turns

GETATTR = {"x86_64": 315, "aarch64": 275}
NANOSECONDS_OF_A_SHORT_TURN = 100_000


@pytest.mark.parametrize(("niceness", "begun_with"), [(10, 0), (10, 15)])
def test_priority_of_a_process_is_lowered_and_never_raised(niceness: int, begun_with: int) -> None:
    program = (
        f"import os; from runtime.processes.priority import lower_priority; os.nice({begun_with});"
        f" lower_priority({niceness}); print(os.getpriority(os.PRIO_PROCESS, 0))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert int(done.stdout) >= max(niceness, begun_with)


def turn_of(pid: int) -> int:
    """For how long a process may run at once, in nanoseconds."""
    attributes = ctypes.create_string_buffer(48)
    assert ctypes.CDLL(None).syscall(GETATTR[platform.machine()], pid, attributes, 48, 0) == 0
    return int(struct.unpack("=IIQiIQQQ", attributes.raw)[5])


def takes_turns() -> bool:
    """Whether this system has turns that a process may choose: Linux since 6.12."""
    if platform.system() != "Linux" or platform.machine() not in GETATTR:
        return False
    major, minor = platform.release().split(".")[:2]
    return (int(major), int("".join(filter(str.isdigit, minor)))) >= (6, 12)


@pytest.mark.skipif(not takes_turns(), reason="this system gives no turns to choose")
def test_turns_of_who_answers_are_short_and_those_of_who_stands_back_as_usual(
    tmp_path: Path,
) -> None:
    """The latter also where it was begun by the former, whose turns it has inherited."""
    stands_back = "from runtime.processes.priority import lower_priority; lower_priority(0);"
    usual = subprocess.Popen(
        [sys.executable, "-c", f"{stands_back} print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=take_short_turns,  # noqa: PLW1509  no other thread holds a lock
    )
    assert usual.stdout is not None
    usual.stdout.readline()
    command = Command(words=["sleep", "60"], log=tmp_path / "log", short_turns=True)
    answers = PidFile(tmp_path / "pid").spawn(command)
    try:
        assert turn_of(answers.pid) == NANOSECONDS_OF_A_SHORT_TURN
        assert turn_of(usual.pid) > NANOSECONDS_OF_A_SHORT_TURN
    finally:
        for process in (answers, usual):
            process.kill()
            process.communicate()


def test_thread_that_computes_makes_the_event_loop_wait_for_a_tenth_of_a_millisecond() -> None:
    program = (
        "import sys; from runtime.processes.interpreter import take_turns_quickly;"
        " take_turns_quickly(); print(sys.getswitchinterval())"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert float(done.stdout) <= 0.0001
