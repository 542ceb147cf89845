"""Logins that wait for their turn to be compared cost nobody anything (CONTRACT 101)."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.context import AppContext
from api.transport.fast_path import Framework
from runtime.security import Security
from services.accounts.credentials import PasswordCheck
from tests.api.people import Person
from tests.servers import superuser_url

CLIENTS = 12
PATH = "/api/v1/auth/login"


class SlowPasswords(Security):
    """Takes half of a second for each guess, and counts them."""

    def __init__(self, other: Security) -> None:
        self.__dict__.update(other.__dict__)
        self.asked = 0
        self.began = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def check_password(self, password: str, password_hash: str | None) -> PasswordCheck:
        self.asked += 1
        self._loop.call_soon_threadsafe(self.began.set)
        time.sleep(0.5)
        return super().check_password(password, password_hash)


async def test_logins_that_hang_up_while_they_wait_have_asked_the_database_nothing(
    context: AppContext, security: Security, module_database_url: str
) -> None:
    slow = SlowPasswords(security)
    app = create_app(replace(context, security=slow, registry=CollectorRegistry()))
    before = count_failures(module_database_url)

    await asyncio.gather(*(log_in_and_hang_up(app, slow, number) for number in range(CLIENTS)))

    assert 1 <= slow.asked < CLIENTS / 2
    assert count_failures(module_database_url) - before == slow.asked


def test_a_login_is_answered_in_front_of_the_framework(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Framework, "__call__", None)

    answer = Person(app).post(PATH, json={"email": "nobody@load.test", "password": "wrong-horse-9"})

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


def count_failures(database_url: str) -> int:
    """How many accounts have failures on record."""
    with psycopg.connect(superuser_url(database_url)) as connection:
        counted = connection.execute("SELECT count(*) FROM login_failures").fetchone()
    assert counted is not None
    return int(counted[0])


async def log_in_and_hang_up(app: FastAPI, slow: SlowPasswords, number: int) -> None:
    """Guess with a name of one's own, and leave while the first of all is compared."""
    body = {"email": f"nobody{number}@lumenworks.test", "password": "wrong-horse-9"}
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": json.dumps(body).encode()}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await slow.began.wait()
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        return

    headers = {"content-type": "application/json", "host": "testserver"}
    await app(
        {
            "type": "http",
            "method": "POST",
            "scheme": "http",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
        },
        receive,
        send,
    )
