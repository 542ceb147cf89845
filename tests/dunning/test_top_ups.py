"""Credit is topped up at the sandbox gateway, whatever goes wrong there, by the whole product."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
import pytest
from msgspec.structs import replace

from integrations.gateways.sandbox.faults import Faults, FaultsAsked, save_plan
from integrations.gateways.sandbox.ledger.books import Ledger
from runtime.database.engine import create_application_engine
from tests.scenarios.account import Account
from tests.scenarios.product import Product, settings_for

RULE = {
    "unit": "TOKENS",
    "threshold": 1000,
    "step": 1000,
    "max_count": {"day": 3, "month": 4},
    "max_amount": {"day": 5000, "month": 9000},
    "price": {"amount": "0.01", "currency": "USD"},
}

NOTHING_IS_LOST = {
    "lost_before_share": Decimal(0),
    "lost_after_share": Decimal(0),
    "late_share": Decimal(0),
}


@pytest.fixture(scope="module")
def product(module_database_url: str, temporal_address: str) -> Iterator[Product]:
    """API and worker on the real servers, with the gateways of every installation."""
    running = Product(settings_for(module_database_url, temporal_address), is_told=True).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ledger(module_database_url: str) -> Iterator[Ledger]:
    """The sandbox gateway's own books, for plans of what it does wrong."""
    engine = create_application_engine(module_database_url)
    yield Ledger(engine)
    engine.dispose()


@pytest.fixture
def account(product: Product) -> Iterator[Account]:
    """An organization that sells tokens."""
    made = Account(product.url).sign_up()
    made.post("/units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    yield made
    made.client.close()


def until(is_so: Callable[[], bool]) -> None:
    """Return when it is so."""
    assert is_so_within(is_so, seconds=180)


def is_so_within(is_so: Callable[[], bool], *, seconds: float) -> bool:
    """Whether it is so by then, as soon as it is."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True


def buyer_of(
    product: Product, account: Account, outcome: str, **details: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A customer who saved a card on a page that ended like that, and the connection."""
    connection = account.post("/connections", {"provider": "sandbox", "name": "Test"})
    person = {"name": "Quay", "email": "a@quay.test", "billing_address_country": "DE"}
    customer = account.post("/customers", person | details)
    pack = {"unit": "TOKENS", "amount": 10, "kind": "paid"}
    sold = account.post(
        f"/customers/{customer['id']}/grants", pack | {"cost": {"amount": 1, "currency": "USD"}}
    )

    def link() -> str | None:
        found: str | None = account.get(f"/invoices/{sold['invoice_id']}")["payment_link"]
        return found

    until(lambda: link() is not None)
    path = (link() or "").partition("/sandbox/")[2]
    answer = httpx2.post(f"{product.url}/sandbox/{path}/pay", json={"outcome": outcome})
    assert answer.status_code == 200, answer.text
    methods = f"/customers/{customer['id']}/payment-methods"
    until(lambda: bool(account.get(methods)["data"]))
    return customer, connection


def tries(account: Account, customer: dict[str, Any]) -> list[tuple[str, Decimal]]:
    """What was tried, the first one first."""
    found = account.get(f"/customers/{customer['id']}/top-ups")["data"]
    return [(one["status"], one["amount"]) for one in found]


def has_failed(account: Account, customer: dict[str, Any], times: int) -> bool:
    """Whether so many tries were made, and none brought anything."""
    return tries(account, customer) == [("failed", Decimal(1000))] * times


def available(account: Account, customer: dict[str, Any]) -> Decimal:
    """What can be spent."""
    found = account.get(f"/customers/{customer['id']}/balance?unit=TOKENS")
    return Decimal(found["available"])


def spend(account: Account, customer: dict[str, Any], amount: int) -> None:
    """So much is used, at once."""
    now = account.get(f"/customers/{customer['id']}/balance?unit=TOKENS")["at"]
    held = {"customer_id": customer["id"], "unit": "TOKENS", "amount": amount}
    end = datetime.fromisoformat(now) + timedelta(hours=1)
    hold = account.post("/credits/holds", held | {"expires_at": end.isoformat()})
    account.post(f"/credits/holds/{hold['id']}/settle", {"amount": amount})


def test_tokens_are_bought_by_one_charge_and_again_when_they_are_spent(
    product: Product, account: Account
) -> None:
    customer, _ = buyer_of(product, account, "success")
    until(lambda: available(account, customer) == 10)

    account.post(f"/customers/{customer['id']}/top-up-rules", RULE)

    until(lambda: tries(account, customer) == [("succeeded", Decimal(1000))])
    assert available(account, customer) == 1010
    spend(account, customer, 900)
    until(lambda: len(tries(account, customer)) == 2 and available(account, customer) == 1110)
    assert account.get("/audit/credits")["findings"] == []
    [deferred] = account.get("/credits/deferred-revenue?unit=TOKENS")["totals"]
    assert (deferred["currency"], deferred["amount"]) == ("USD", Decimal("11.10"))


def test_a_gateway_that_declines_is_tried_an_hour_later_then_a_day_and_then_no_more(
    product: Product, account: Account
) -> None:
    clock = account.create_clock()
    customer, _ = buyer_of(product, account, "failure", test_clock_id=clock["id"])
    account.post(f"/customers/{customer['id']}/top-up-rules", RULE)
    until(lambda: tries(account, customer) == [("failed", Decimal(1000))])

    for number, instant in enumerate(
        ("2025-01-01T01:30:00Z", "2025-01-02T02:00:00Z", "2025-01-09T00:00:00Z"), start=2
    ):
        account.advance(clock, instant)
        wanted = min(number, 3)
        until(partial(has_failed, account, customer, wanted))

    [rule] = account.get(f"/customers/{customer['id']}/top-up-rules")["data"]
    assert (rule["enabled"], rule["disabled_because"]) == (False, "declined")
    assert available(account, customer) == 0


@pytest.mark.parametrize(
    "faults",
    [
        Faults(seed=5, lost_after_share=Decimal("0.5"), slow_share=Decimal("0.3")),
        Faults(seed=6, lost_before_share=Decimal("0.4"), webhook_repeat_share=Decimal(1)),
        Faults(seed=7, pending_share=Decimal(1), pending_seconds=1),
        Faults(seed=8, late_share=Decimal("0.5"), webhook_contradict_share=Decimal(1)),
    ],
    ids=lambda plan: f"seed {plan.seed}",
)
def test_answers_that_are_lost_late_or_told_twice_buy_once(
    product: Product, account: Account, ledger: Ledger, faults: Faults
) -> None:
    customer, connection = buyer_of(product, account, "success")
    until(lambda: available(account, customer) == 10)
    asked = FaultsAsked(faults=faults)
    ledger.run(partial(save_plan, account_id=UUID(connection["id"]), asked=asked))

    account.post(f"/customers/{customer['id']}/top-up-rules", RULE)

    # What became of a charge is asked for again after ever longer whiles: a plan that loses answers
    # for ever would lose some of its charges for hours.
    done = [("succeeded", Decimal(1000))]
    if not is_so_within(lambda: tries(account, customer) == done, seconds=20):
        asked = FaultsAsked(faults=replace(faults, **NOTHING_IS_LOST))
        ledger.run(partial(save_plan, account_id=UUID(connection["id"]), asked=asked))
        until(lambda: tries(account, customer) == done)
    assert available(account, customer) == 1010
    assert account.get("/audit/credits")["findings"] == []


def test_a_gateway_that_never_says_leaves_one_try_open_however_much_is_spent(
    product: Product, account: Account, ledger: Ledger
) -> None:
    customer, connection = buyer_of(product, account, "success")
    until(lambda: available(account, customer) == 10)
    asked = FaultsAsked(faults=Faults(lost_before_share=Decimal(1)))
    ledger.run(partial(save_plan, account_id=UUID(connection["id"]), asked=asked))

    account.post(f"/customers/{customer['id']}/top-up-rules", RULE)
    until(lambda: tries(account, customer) == [("open", Decimal(1000))])
    for _ in range(3):
        spend(account, customer, 1)

    time.sleep(2)
    assert tries(account, customer) == [("open", Decimal(1000))]
    assert available(account, customer) == 7
