"""Processes that can be found again, by a pid file that is locked for as long as they live.

The lock sits on an open file that the process inherits, so the operating system releases it the
moment the process ends, whatever ended it. A pid file without a lock is therefore stale by
definition, and a pid read while the lock is held is never that of a stranger.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime.embedded.accounts import Account
from runtime.processes.priority import take_short_turns

SERVER_PORTS = range(15_000, 30_000)
"""Ports that systems give to no client: until the server listens, nobody else is given one.

A client that looks for a server that is dead would even be connected with itself. A Temporal
server keeps its members' ports in two bytes with a sign.
"""

PAUSE_SECONDS = 0.05

WRITE_PID_THEN_BECOME = 'printf "%s %s\\n" "$$" "$1" > "$0"; shift; exec "$@"'
"""A shell line: the process writes its own pid, then turns into the command."""

STAND_BACK_THEN_BECOME = (
    '{ echo "$0" > "/proc/$$/autogroup"; } 2>/dev/null;'
    ' command -v nice >/dev/null && exec nice -n "$0" "$@"; exec "$@"'
)
"""The same for a niceness, of the session too where Linux shares processors between sessions."""


class ProcessFailure(Exception):
    """A process did not start, stop or answer; the text says what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run: words, where its output goes, and how it is set up."""

    words: Sequence[str]
    log: Path
    note: str = "-"
    """Kept in the pid file, so that whoever finds the process knows its ports."""
    environment: Mapping[str, str] | None = None
    account: Account | None = None
    niceness: int = 0
    """How far it stands back behind whoever answers requests (``runtime.processes.priority``)."""
    short_turns: bool = False
    """Requests wait for it, so it runs as soon as it wakes."""
    lifeline: bool = False
    """Give it a pipe as standard input that ends when this process ends."""


@dataclass(slots=True)
class PidFile:
    """The file that names one process, or nobody."""

    path: Path
    _own_descriptor: int | None = field(default=None, repr=False)

    def holder(self) -> int | None:
        """The pid of the living process that holds the file, or None."""
        words = self._held_text()
        return int(words[0]) if words else None

    def is_held(self) -> bool:
        """Whether the process lives that holds the file."""
        return self.holder() is not None

    def note(self) -> str | None:
        """What the living holder was started with, or None if there is none."""
        words = self._held_text()
        return words[1] if words and len(words) > 1 else None

    def claim(self) -> bool:
        """Make this process the holder; False if another one lives."""
        descriptor = self._lock()
        if descriptor is None:
            return False
        self.path.write_text(f"{os.getpid()} -\n")
        self._own_descriptor = descriptor
        return True

    def release(self) -> None:
        """Stop being the holder."""
        if self._own_descriptor is not None:
            os.close(self._own_descriptor)
            self._own_descriptor = None

    def spawn(self, command: Command) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own as the holder of this file.

        Raises:
            ProcessFailure: another process already holds the file.
        """
        descriptor = self._lock()
        if descriptor is None:
            raise ProcessFailure(f"{self.path} is held by the running process {self.holder()}.")
        try:
            if command.account is not None:
                os.fchown(descriptor, command.account.user_id, command.account.group_id)
            return self._start(command, descriptor)
        finally:
            os.close(descriptor)

    def stop(self, sent: signal.Signals, *, timeout_seconds: float) -> bool:
        """Send the holder a signal, and SIGKILL if it stays; True if it ended by itself."""
        if not self.send(sent):
            return True
        if wait_until(lambda: self.holder() is None, timeout_seconds=timeout_seconds):
            return True
        self.send(signal.SIGKILL)
        wait_until(lambda: self.holder() is None, timeout_seconds=5)
        return False

    def send(self, sent: signal.Signals) -> bool:
        """Send the holder a signal; False if there is no holder."""
        pid = self.holder()
        if pid is None:
            return False
        try:
            os.kill(pid, sent)
        except ProcessLookupError:
            return False
        return True

    def _start(self, command: Command, descriptor: int) -> subprocess.Popen[bytes]:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        account = command.account
        words = [str(self.path), command.note]
        if command.niceness:
            words += ["/bin/sh", "-c", STAND_BACK_THEN_BECOME, str(command.niceness)]
        self.path.write_text("")
        with command.log.open("ab") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", WRITE_PID_THEN_BECOME, *words, *command.words],
                stdin=subprocess.PIPE if command.lifeline else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=command.environment,
                pass_fds=[descriptor],
                start_new_session=True,
                user=account.user_id if account else None,
                group=account.group_id if account else None,
                extra_groups=[] if account else None,
            )
        if command.short_turns:
            take_short_turns(process.pid)
        # Whoever looks next must find a pid; the shell writes it within milliseconds.
        wait_until(
            lambda: self.path.read_text().endswith("\n") or process.poll() is not None,
            timeout_seconds=10,
        )
        return process

    def _lock(self) -> int | None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        # Somebody who merely looks holds a shared lock for an instant: that is not a holder.
        for _ in range(5):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.01)
            else:
                return descriptor
        os.close(descriptor)
        return None

    def _held_text(self) -> list[str]:
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return []
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.read(descriptor, 200).decode().split()
        finally:
            os.close(descriptor)
        return []


def wait_until(
    condition: Callable[[], bool],
    *,
    timeout_seconds: float,
    pause_seconds: float = PAUSE_SECONDS,
) -> bool:
    """Whether the condition became true in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_seconds)
    return True


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without this, a port whose last connection closed a minute ago counts as busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(preferred: int = 0, host: str = "127.0.0.1") -> int:
    """The preferred port if it is free, else one of ``SERVER_PORTS`` that is."""
    port = preferred or secrets.choice(SERVER_PORTS)
    while not port_is_free(port, host):
        port = secrets.choice(SERVER_PORTS)
    return port


def keep_port(port: int, *, seconds: float = 5.0) -> int:
    """The port that a server had, as soon as it is free; another one if somebody keeps it.

    Clients that look for a server that is gone may hold its port themselves, for a moment.
    """
    if port:
        wait_until(lambda: port_is_free(port), timeout_seconds=seconds)
    return choose_port(port)


def last_lines(log: Path, count: int = 8) -> str:
    """The end of a log file, for the text of a failure."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
