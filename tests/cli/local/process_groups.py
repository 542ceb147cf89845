"""Programs of several processes, started as an operator does and looked at from outside."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runtime.embedded.processes import wait_until
from tests.cli.running import clean_environment

SECONDS_TO_START = 60


class Group:
    """A program and its processes."""

    def __init__(self, supervisor: subprocess.Popen[bytes], log: Path) -> None:
        self.supervisor = supervisor
        self.log = log

    @property
    def pids(self) -> set[int]:
        """Those of the processes that run now."""
        children = Path(f"/proc/{self.supervisor.pid}/task/{self.supervisor.pid}/children")
        return {int(pid) for pid in children.read_text().split()}

    def has(self, count: int, ready: str) -> bool:
        """Whether so many processes run and so many lines of the log say that one is ready."""
        return len(self.pids) == count and self.log.read_text().count(ready) >= count

    def server_of(self, client: int, port: int) -> int:
        """Which of the processes holds the connection from the client's port to this one."""
        # A table that changes while it is read may show a row twice, or one that is nobody's ("0").
        [inode] = {
            words[9]
            for words in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
            if words[1].endswith(f":{port:04X}") and words[2].endswith(f":{client:04X}")
        } - {"0"}
        [server] = [pid for pid in self.pids if f"socket:[{inode}]" in _open_files(pid)]
        return server


def _open_files(pid: int) -> set[str]:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found.add(str(descriptor.readlink()))
    return found


@contextmanager
def running_group(words: list[str], log: Path, **environment: str) -> Iterator[Group]:
    """The program while the block runs; then it has ended, with all of its processes."""
    with log.open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, *words],
            env=clean_environment() | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    group = Group(supervisor, log)
    try:
        yield group
    finally:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait(60)


def end_by_itself(pids: set[int]) -> bool:
    """Whether all of them are gone within some seconds."""
    return wait_until(
        lambda: not any(Path(f"/proc/{pid}/stat").exists() and not _is_dead(pid) for pid in pids),
        timeout_seconds=30,
    )


def _is_dead(pid: int) -> bool:
    """Whether it holds nothing any more: its threads may outlive the first, and keep its files."""
    with suppress(OSError):
        process = Path(f"/proc/{pid}")
        is_zombie = re.search(r"\) Z", (process / "stat").read_text())
        return bool(is_zombie) and len(list((process / "task").iterdir())) == 1
    return True
