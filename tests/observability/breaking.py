"""An installation that tests break, one after the other, and how it looks before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from runtime.embedded.processes import wait_until
from tests.cli.running import RunningInstance
from tests.observability.watched import (
    PATIENCE_SECONDS,
    Scrape,
    Watched,
)
from tests.scenarios.account import Account

UNBILLED = 'fluxrate_oldest_unbilled_period_seconds{job="api"}'
DUE = "2030-04-01T00:00:00Z"
BILLED = "acct_billed"
"""The customer whose invoices are final."""


def wait_for(happens: Callable[[], bool]) -> None:
    assert wait_until(happens, timeout_seconds=PATIENCE_SECONDS, pause_seconds=1)


def invoices_of(account: Account) -> list[dict[str, str]]:
    found: list[dict[str, str]] = account.get("/invoices?page_size=100")["data"]
    return found


def lasting(before: Scrape, after: Scrape, minutes: int) -> list[Scrape]:
    """What would have been seen, had it gone on like that for so many minutes."""
    # What failed for the first time was not shown before.
    return [
        {
            name: before.get(name, 0.0) + (figure - before.get(name, 0.0)) * minute
            for name, figure in after.items()
        }
        for minute in range(minutes + 1)
    ]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One installation that the tests of this module break, one after the other."""
    running = RunningInstance(tmp_path_factory.mktemp("watched"))
    try:
        yield Watched(running).start()
    finally:
        running.clean_up()


@pytest.fixture
def account(watched: Watched) -> Account:
    """Whoever uses the installation."""
    assert watched.account is not None
    return watched.account


@pytest.fixture(scope="module")
def plan(watched: Watched) -> dict[str, str]:
    """A plan with a meter."""
    account = watched.account
    assert account is not None
    meter = account.create_meter()
    made = account.create_plan()
    account.add_usage_charge(made, meter["meter_id"])
    return made


@pytest.fixture(scope="module")
def healthy(watched: Watched, plan: dict[str, str]) -> Scrape:
    """What is shown of a customer who was billed for two months, after a check of everything."""
    account = watched.account
    assert account is not None
    account.subscribe(account.create_customer(BILLED), plan, "2026-01-01T00:00:00Z")
    # A process that is too busy to answer shows nothing.
    wait_for(lambda: watched.scrape().get(UNBILLED) == 0 and len(invoices_of(account)) >= 2)
    for invoice in invoices_of(account):
        if invoice["status"] == "DRAFT":
            account.post(f"/invoices/{invoice['id']}/finalize")
    return watched.check()


def subscribe(account: Account, plan: dict[str, str], start: str) -> dict[str, str]:
    customer = account.create_customer(f"acct_{uuid4()}")
    made: dict[str, str] = account.subscribe(customer, plan, start)
    return made
