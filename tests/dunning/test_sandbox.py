"""Invoices that are collected at the sandbox gateway, by the whole product."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from tests.dunning.conftest import FEBRUARY
from tests.scenarios.account import Account
from tests.scenarios.product import Product, settings_for


@pytest.fixture(scope="module")
def product(module_database_url: str, temporal_address: str) -> Iterator[Product]:
    """API and worker on the real servers, with the gateways of every installation."""
    settings = settings_for(module_database_url, temporal_address)
    running = Product(settings, is_told=True).start()
    yield running
    running.stop()


@pytest.fixture
def account(product: Product) -> Iterator[Account]:
    """An organization that is connected to the sandbox gateway."""
    made = Account(product.url).sign_up()
    made.post("/connections", {"provider": "sandbox", "name": "Test"})
    yield made
    made.client.close()


def subscribe(account: Account) -> tuple[dict[str, Any], dict[str, Any]]:
    """A customer on a clock who pays 30 a month."""
    plan = account.create_plan(type="FIXED")
    charge = {"type": "FIXED", "unit_price": Decimal(30), "display_name": "Platform fee"}
    account.post(f"/plans/{plan['id']}/charges", charge)
    clock = account.create_clock()
    return clock, account.subscribe(account.create_customer(clock=clock), plan)


def until(is_so: Callable[[], bool]) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def press(product: Product, account: Account, invoice_id: str, outcome: str) -> None:
    """The customer presses a button on the page of the invoice's link."""

    def link() -> str | None:
        found: str | None = account.get(f"/invoices/{invoice_id}")["payment_link"]
        return found

    until(lambda: link() is not None)
    path = (link() or "").partition("/sandbox/")[2]
    answer = httpx2.post(f"{product.url}/sandbox/{path}/pay", json={"outcome": outcome})
    assert answer.status_code == 200, answer.text
    until(lambda: statuses(account, invoice_id) != [])


def statuses(account: Account, invoice_id: str) -> list[str]:
    """What became of every try to pay the invoice, the first one first."""
    found = account.get(f"/invoices/{invoice_id}/payments")["data"]
    return [one["status"] for one in sorted(found, key=lambda one: str(one["at"]))]


def test_who_has_paid_on_a_page_is_charged_by_themselves_from_then_on(
    product: Product, account: Account
) -> None:
    clock, subscription = subscribe(account)
    account.advance(clock, FEBRUARY)
    [january] = account.invoices(subscription)
    press(product, account, january["id"], "success")
    until(lambda: account.invoices(subscription)[0]["status"] == "PAID")

    account.advance(clock, "2025-03-02T00:00:00Z")

    _, february = account.invoices(subscription)
    assert february["status"] == "PAID"
    assert statuses(account, february["id"]) == ["succeeded"]


def test_who_was_declined_on_a_page_is_tried_again_from_the_due_date_until_the_end(
    product: Product, account: Account
) -> None:
    account.patch("/organization", {"dunning": {"then": "cancel"}})
    clock, subscription = subscribe(account)
    account.advance(clock, FEBRUARY)
    [january] = account.invoices(subscription)
    press(product, account, january["id"], "failure")
    until(lambda: statuses(account, january["id"]) == ["failed"])

    account.advance(clock, "2025-02-27T00:00:00Z")

    # Nothing is due yet: who failed to pay early has not failed to pay.
    assert january["due_date"].startswith("2025-03-03")
    assert statuses(account, january["id"]) == ["failed"]
    assert account.get(f"/subscriptions/{subscription['id']}")["status"] == "ACTIVE"

    account.advance(clock, "2025-03-20T00:00:00Z")

    assert statuses(account, january["id"]) == ["failed"] * 5
    found = account.get(f"/subscriptions/{subscription['id']}")
    # February's bill was charged as it became final, and its tries end a week later.
    assert (found["status"], found["ended_at"]) == ("CANCELED", "2025-03-08T01:00:00Z")
