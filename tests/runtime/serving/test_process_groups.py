"""A program whose processes cannot begin ends with an error; one that began is kept running."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from runtime.processes import supervision
from runtime.processes.supervision import MOST_FAILED_STARTS, Supervisor

PROGRAM = """
import sys
from runtime.processes.group import ProcessGroup
sys.exit(ProcessGroup(["cannot_begin"], 2).run())
"""


class Failing:
    """A service that has ended whenever somebody looks, until it is told to live."""

    name = "Process 1"

    def __init__(self) -> None:
        self.starts = 0
        self.lives = False

    def start(self) -> None:
        self.starts += 1

    def is_running(self) -> bool:
        return self.lives


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the supervisor reads; the last of them counts."""
    seconds = [0.0]
    monkeypatch.setattr(supervision, "time", SimpleNamespace(monotonic=lambda: seconds[-1]))
    return seconds


def watch(supervisor: Supervisor, clock: list[float], seconds: int) -> None:
    for _ in range(seconds):
        clock.append(clock[-1] + 1)
        if supervisor.is_hopeless:
            return
        supervisor.check(lambda _text: None)


def test_process_that_never_begins_is_given_up(clock: list[float]) -> None:
    service = Failing()
    supervisor = Supervisor(service, service.is_running, started_at=0.0)

    watch(supervisor, clock, 120)

    assert supervisor.is_hopeless
    assert service.starts == MOST_FAILED_STARTS - 1


def test_process_that_once_began_is_started_again_for_ever(clock: list[float]) -> None:
    service = Failing()
    supervisor = Supervisor(service, service.is_running, started_at=0.0)
    service.lives = True
    watch(supervisor, clock, 15)
    service.lives = False

    watch(supervisor, clock, 600)

    assert not supervisor.is_hopeless
    assert service.starts > MOST_FAILED_STARTS


def test_program_says_that_it_ends_and_why(tmp_path: Path) -> None:
    (tmp_path / "cannot_begin.py").write_text("import nothing_of_this_name")
    root = Path(supervision.__file__).parents[2]

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PYTHONPATH": f"{root}:{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 1
    assert "No module named 'nothing_of_this_name'" in ended.stderr
    assert "ended 5 times within seconds of its start (exit code 1)" in ended.stdout + ended.stderr
