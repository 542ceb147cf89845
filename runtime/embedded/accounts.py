"""The operating-system account that PostgreSQL runs as where we are root, which it refuses."""

from __future__ import annotations

import fcntl
import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SYSTEM_ACCOUNT = "embedded_postgres"
ACCOUNTS_DIRECTORY = "/etc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The operating-system account that a child process runs as."""

    user_id: int
    group_id: int


def unprivileged_account() -> Account | None:
    """Whom PostgreSQL runs as: an account made for it if we are root, else ourselves (None)."""
    if os.geteuid() != 0:
        return None
    with _accounts_locked():
        try:
            entry = pwd.getpwnam(SYSTEM_ACCOUNT)
        except KeyError:
            command = ["useradd", "--system", "--shell", "/bin/false", SYSTEM_ACCOUNT]
            subprocess.run(command, check=True, capture_output=True)
            entry = pwd.getpwnam(SYSTEM_ACCOUNT)
    return Account(user_id=entry.pw_uid, group_id=entry.pw_gid)


@contextmanager
def _accounts_locked() -> Iterator[None]:
    # Of two useradd at once the later gives the account another number than the earlier did.
    directory = os.open(ACCOUNTS_DIRECTORY, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)
