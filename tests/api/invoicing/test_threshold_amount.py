"""A subscription is billed as it runs: the threshold through the API, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from api.context import AppContext
from services.invoicing.threshold.looking import look_at_next
from tests.api.people import Clock, Person
from tests.api.sold import V1, Sold, post, sell


@pytest.fixture
def sold(owner: Person) -> Sold:
    """Calls at a half each."""
    sold = sell(owner, usage_limit=None)
    charge = {"type": "USAGE", "meter_id": sold.feature["meter_id"], "unit_price": "0.5"}
    post(owner, f"/plans/{sold.plan['id']}/charges", charge)
    return sold


def look(context: AppContext, clock: Clock) -> None:
    """What the relay does."""
    while look_at_next(context.transactions, now=clock.instant):
        pass


def bill_at(sold: Sold, subscription: dict[str, Any], amount: Any) -> Any:
    path = f"{V1}/subscriptions/{subscription['id']}"
    return sold.owner.patch(path, json={"threshold_amount": amount})


def invoices(sold: Sold) -> list[dict[str, Any]]:
    return list(sold.owner.get(f"{V1}/invoices").json()["data"])


def test_usage_that_reaches_the_threshold_is_billed(
    sold: Sold, context: AppContext, clock: Clock
) -> None:
    subscription = sold.subscribe()
    assert subscription["threshold_amount"] is None
    assert bill_at(sold, subscription, "50.00").json()["threshold_amount"] == 50
    shown = sold.owner.get(f"{V1}/subscriptions/{subscription['id']}").json()
    assert shown["threshold_amount"] == 50

    sold.used(99)
    look(context, clock)
    assert invoices(sold) == []
    sold.used(1)
    look(context, clock)

    [invoice] = invoices(sold)
    assert (invoice["kind"], invoice["status"], invoice["total"]) == ("threshold", "OPEN", 50)
    assert invoice["subscription_id"] == subscription["id"]
    found = sold.owner.post(f"{V1}/invoices/{invoice['id']}/verify").json()
    assert found["result"] == "equal"


def test_what_is_reached_already_is_billed_as_the_threshold_is_set(
    sold: Sold, context: AppContext, clock: Clock
) -> None:
    subscription = sold.subscribe()
    sold.used(100)

    bill_at(sold, subscription, 50)
    look(context, clock)

    assert [one["total"] for one in invoices(sold)] == [50]


def test_a_threshold_that_is_ended_bills_nothing_more(
    sold: Sold, context: AppContext, clock: Clock
) -> None:
    subscription = sold.subscribe()
    bill_at(sold, subscription, 50)

    assert bill_at(sold, subscription, None).json()["threshold_amount"] is None
    sold.used(500)
    look(context, clock)

    assert invoices(sold) == []


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0, "amount_invalid"),
        ("0.001", "amount_invalid"),
        (-1, "invalid_input"),
        ("much", "invalid_input"),
    ],
)
def test_a_threshold_is_money(sold: Sold, amount: Any, code: str) -> None:
    answer = bill_at(sold, sold.subscribe(), amount)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_body_says_what_is_to_change(sold: Sold) -> None:
    subscription = sold.subscribe()

    answer = sold.owner.patch(f"{V1}/subscriptions/{subscription['id']}", json={})

    assert answer.status_code == 422


def test_a_subscription_that_is_over_has_no_threshold(sold: Sold) -> None:
    subscription = sold.subscribe()
    body = {"cancel_at_period_end": False}
    sold.owner.post(f"{V1}/subscriptions/{subscription['id']}/cancel", json=body)

    answer = bill_at(sold, subscription, 50)

    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")


def test_a_foreign_subscription_is_not_found(sold: Sold) -> None:
    answer = bill_at(sold, {"id": "01890a5d-ac96-774b-bcce-b302099a8057"}, 50)

    assert (answer.status_code, answer.json()["code"]) == (404, "subscription_not_found")


def test_a_void_threshold_invoice_is_not_issued_again(
    sold: Sold, context: AppContext, clock: Clock
) -> None:
    """What it billed is on the next one."""
    subscription = sold.subscribe()
    bill_at(sold, subscription, 50)
    sold.used(100)
    look(context, clock)
    [invoice] = invoices(sold)
    path = f"{V1}/invoices/{invoice['id']}"
    sold.owner.patch(f"{path}/status", json={"status": "VOID"})

    answer = sold.owner.post(f"{path}/reissue")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_reissuable")
