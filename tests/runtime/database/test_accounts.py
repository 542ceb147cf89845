"""The account of PostgreSQL on a machine where it does not exist yet."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from types import SimpleNamespace

import pytest

from runtime.embedded.accounts import Account, unprivileged_account


def test_everybody_who_starts_at_once_on_a_fresh_machine_gets_the_same_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accounts: dict[str, SimpleNamespace] = {}
    numbers = count(999, -1)

    def slow_useradd(command: list[str], **_: object) -> None:
        time.sleep(0.05)
        number = next(numbers)
        accounts[command[-1]] = SimpleNamespace(pw_uid=number, pw_gid=number)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", accounts.__getitem__)
    monkeypatch.setattr(subprocess, "run", slow_useradd)

    with ThreadPoolExecutor(4) as starters:
        found = [one.result() for one in [starters.submit(unprivileged_account) for _ in "four"]]

    assert found == [Account(user_id=999, group_id=999)] * 4


def test_nobody_but_root_needs_another_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert unprivileged_account() is None
