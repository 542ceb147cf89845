"""Several processes of one program, which together are one to whoever runs them.

Uvicorn has such a supervisor for HTTP servers. Ours serves workers too, waits longer before each
restart, and leaves no process behind when it is killed itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from runtime.processes.supervision import Supervisor, name_end

log = structlog.get_logger(__name__)

WATCH_SECONDS: Final = 0.25
STOP_SECONDS: Final = 22.0
"""A worker finishes the steps that run, for at most twenty seconds, before it ends."""


@dataclass(slots=True)
class Member:
    """One of the processes, which ends with this one."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """It runs."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runtime.processes.lifeline", *self.words],
            # Its other end closes with this process, whatever ends it.
            stdin=subprocess.PIPE,
            env=os.environ | dict(self.environment),
        )

    def is_running(self) -> bool:
        """Whether it lives."""
        return self.process is not None and self.process.poll() is None

    def describe_end(self) -> str:
        """How it ended."""
        return name_end(None if self.process is None else self.process.poll())


class ProcessGroup:
    """As many processes of one module as asked for, each started again when it ends."""

    def __init__(
        self,
        words: Sequence[str],
        count: int,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._members = [
            Member(f"Process {number}", words, environment or {}) for number in range(1, count + 1)
        ]
        self._stop = threading.Event()

    def run(self) -> int:
        """Until SIGTERM or SIGINT; then each has ended, by itself or after a while by force.

        The exit code: 1 if one of them could not begin its work, so that none goes on without it.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        supervisors = []
        for member in self._members:
            member.start()
            supervisors.append(Supervisor(member, member.is_running, member.describe_end))
        hopeless = None
        while hopeless is None and not self._stop.wait(WATCH_SECONDS):
            for supervisor in supervisors:
                supervisor.check(_announce)
            hopeless = next((one for one in supervisors if one.is_hopeless), None)
        self._end()
        if hopeless is None:
            return 0
        log.error(
            "process_group_failed",
            detail=f"{hopeless.service.name} ended {hopeless.failed_starts} times within seconds of"
            f" its start{hopeless.describe_end()}, so this program ends; what it wrote says why.",
        )
        return 1

    def _end(self) -> None:
        running = [one.process for one in self._members if one.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _announce(text: str) -> None:
    log.warning("process_group", detail=text)
