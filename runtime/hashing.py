"""Argon2id in processes of their own, which stand back behind who answers.

A guess takes a tenth of a second of a processor. In a thread it would share the interpreter with
every request: one that stands back while it holds that keeps all of them waiting, for as long as
others use the processors (docs/decisions/0023). Run as ``python -m runtime.hashing``, this module
is such a process: it answers each line of its input by a line, and ends with its input.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock
from typing import IO, Final, Protocol

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from runtime.processes.priority import HASHING_NICENESS, lower_priority

TRIES: Final = 2
"""A process that was ended from outside is replaced once for each question."""


class PasswordHasher(Protocol):
    """Hashes passwords and compares them; ``pwdlib.PasswordHash`` is one."""

    def hash(self, password: str) -> str:
        """A salted hash."""

    def verify_and_update(self, password: str, hash: str) -> tuple[bool, str | None]:  # noqa: A002  (named by pwdlib)
        """Whether they belong together, and the hash at today's cost if it is not at that."""


class HashingProcesses:
    """One process for each question that is asked at the same time; they end with this one.

    Safe to use from several threads; whoever asks bounds how many.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: list[subprocess.Popen[str]] = []

    def hash(self, password: str) -> str:
        """A salted hash at the recommended cost."""
        hashed, _, _ = self._ask(password, None)
        return hashed

    def verify_and_update(self, password: str, hash: str) -> tuple[bool, str | None]:  # noqa: A002  (named by pwdlib)
        """Whether they belong together, and the hash at today's cost if it is not at that."""
        _, matches, renewed = self._ask(password, hash)
        return matches, renewed

    def pids(self) -> list[int]:
        """The processes that wait for a question."""
        with self._lock:
            return [process.pid for process in self._idle]

    def close(self) -> None:
        """The processes that wait for a question have ended."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.communicate()

    def _ask(self, password: str, password_hash: str | None) -> tuple[str, bool, str | None]:
        question = json.dumps([password, password_hash])
        for _ in range(TRIES):
            process = self._take()
            answer = _exchange(process, question)
            if answer:
                with self._lock:
                    self._idle.append(process)
                hashed, matches, renewed = json.loads(answer)
                return hashed, matches, renewed
            process.kill()
            process.communicate()
        raise RuntimeError("No process hashes passwords.")

    def _take(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return subprocess.Popen(
            [sys.executable, "-m", "runtime.hashing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Where Linux shares processors between sessions first, one that stands back within that
            # of who answers takes all that this one leaves, before anybody else's.
            start_new_session=True,
        )


def _exchange(process: subprocess.Popen[str], question: str) -> str:
    """The answer, empty if the process has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):
        process.stdin.write(f"{question}\n")
        process.stdin.flush()
        return process.stdout.readline()
    return ""


def answer_lines(lines: Iterable[str], output: IO[str]) -> None:
    """Every question is answered, in order."""
    passwords = PasswordHash((Argon2Hasher(parallelism=1),))
    for line in lines:
        password, password_hash = json.loads(line)
        if password_hash is None:
            answer = [passwords.hash(password), True, None]
        else:
            answer = ["", *passwords.verify_and_update(password, password_hash)]
        output.write(f"{json.dumps(answer)}\n")
        output.flush()


if __name__ == "__main__":
    # A terminal interrupts all processes; this one goes on until whoever asks it has ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lower_priority(HASHING_NICENESS)
    answer_lines(sys.stdin, sys.stdout)
