"""PostgreSQL is frozen, which no network notices: every request is answered in time all the same.

The kernel takes what is sent to a process that stands still, and no connection ends.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from runtime.embedded.processes import wait_until
from tests.faults.ingestion.site import IngestionSite, calls
from tests.servers import run_directory

LONGEST_SECONDS = 15.0
"""Longer nobody waits for the word that the database is away."""

BATCH = [calls(f"batch-{number}") for number in range(3)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, and with whose credentials."""

    method: str
    path: str
    body: Any = None
    by_key: bool = False


REQUESTS: Mapping[str, Asked] = {
    "an event": Asked(method="POST", path="/usage", body=calls("one"), by_key=True),
    "a batch": Asked(method="POST", path="/usage/batch", body=BATCH, by_key=True),
    "a list": Asked(method="GET", path="/customers"),
    "one thing": Asked(method="GET", path=f"/plans/{'0' * 8}-0000-4000-8000-{'0' * 12}"),
    "a setting": Asked(method="GET", path="/organization"),
    "a change": Asked(
        method="POST", path="/customers", body={"name": "Harbor", "email": "a@harbor.test"}
    ),
    "a login": Asked(
        method="POST", path="/auth/login", body={"email": "a@b.test", "password": "correct horse"}
    ),
}


@pytest.fixture(scope="module")
def site() -> Iterator[IngestionSite]:
    made = IngestionSite(run_directory() / "frozen").start()
    yield made
    made.stop()


@contextmanager
def frozen(site: IngestionSite) -> Iterator[None]:
    """Every process of the database stands still."""
    postmaster = site.postgres.pid_file.holder()
    assert postmaster is not None
    backends = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    everybody = [postmaster, *map(int, backends)]
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in everybody:
            os.kill(pid, signal.SIGCONT)


def test_every_request_is_answered_while_the_database_is_frozen(site: IngestionSite) -> None:
    account, key = site.sign_up()
    token = {"Authorization": f"Bearer {account.client.cookies['access_token']}"}

    def ask(one: Asked) -> tuple[int, float]:
        began = time.monotonic()
        with httpx2.Client(base_url=f"{site.url}/api/v1", timeout=60) as client:
            answer = client.request(
                one.method, one.path, json=one.body, headers=key if one.by_key else token
            )
        assert answer.status_code != 503 or "Retry-After" in answer.headers
        return answer.status_code, time.monotonic() - began

    def ask_all() -> dict[str, tuple[int, float]]:
        with ThreadPoolExecutor(len(REQUESTS)) as threads:
            return dict(zip(REQUESTS, threads.map(ask, REQUESTS.values()), strict=True))

    before = {name: status for name, (status, _) in ask_all().items()}
    with frozen(site):
        # The first comes upon connections that rested, the second upon none that can be made.
        during, again = ask_all(), ask_all()
    came_back = wait_until(
        lambda: {name: status for name, (status, _) in ask_all().items()} == after(before),
        timeout_seconds=30,
        pause_seconds=0.5,
    )

    for answers in (during, again):
        assert {name: status for name, (status, _) in answers.items()} == dict.fromkeys(
            REQUESTS, 503
        )
        assert {name: s for name, (_, s) in answers.items() if s > LONGEST_SECONDS} == {}
    assert came_back


def after(before: Mapping[str, int]) -> dict[str, int]:
    """What the same requests are answered later: the event is known by then."""
    return {**before, "an event": 200}
