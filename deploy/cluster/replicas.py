"""Processes of one installation, each started again whenever it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime.processes.supervision import Supervisor, name_end

STOP_SECONDS = 20.0
LOOK_SECONDS = 0.2


@dataclass(slots=True)
class Replica:
    """One process, of which there may be others that do the same."""

    name: str
    words: Sequence[str]
    log: Path
    environment: Mapping[str, str] | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The process that was started last, 0 before that."""
        return 0 if self.process is None else self.process.pid

    def start(self) -> None:
        """It was started, and writes its log behind what is there."""
        with self.log.open("ab") as log:
            # Ours that read from it end with the process that holds the other end.
            self.process = subprocess.Popen(
                self.words,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """It is dead, as by a power cut, and has no time to finish anything."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def ask_to_end(self) -> None:
        """It was asked to end, and may take its time."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)

    def describe_end(self) -> str:
        """How it ended, if it has, and where it says why."""
        return name_end(None if self.process is None else self.process.poll(), log=self.log)


def stop_all(replicas: Sequence[Replica]) -> None:
    """All were asked to end, and ended, or were killed because they did not."""
    for one in replicas:
        one.ask_to_end()
    for one in replicas:
        if one.process is None:
            continue
        try:
            one.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            one.kill()


def python_words(module: str, *words: str) -> list[str]:
    """The command of one of our modules that ends with the process that starts it."""
    return [sys.executable, "-m", "runtime.processes.lifeline", module, *words]


class Supervision:
    """Watches replicas from a thread of its own, and starts again what ended."""

    def __init__(self) -> None:
        self.restarts: Counter[str] = Counter()
        self.said: list[str] = []
        self._supervisors: list[Supervisor] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervision", daemon=True)

    def watch(self, replicas: Sequence[Replica]) -> None:
        """These run from now on, whatever becomes of them."""
        self._supervisors += [Supervisor(one, one.is_running, one.describe_end) for one in replicas]
        if not self._thread.is_alive():
            self._thread.start()

    def stop(self) -> None:
        """Nothing is started any more."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            for one in tuple(self._supervisors):
                one.check(self._hear)

    def _hear(self, words: str) -> None:
        self.said.append(words)
        name, _, rest = words.partition(" ")
        self.restarts[name] += rest == "runs again."
