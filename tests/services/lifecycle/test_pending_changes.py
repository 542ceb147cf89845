"""What is asked of a subscription with many missed periods waits for them, and then happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.errors import Conflict, InvalidInput
from billing.periods import Interval
from models.subscriptions.subscriptions import Subscription
from services.customers import CreateCustomer, CustomerDetails, create_customer, delete_customer
from services.lifecycle import bill_now, catching_up, changes, pending_changes
from services.subscriptions import clocks
from services.subscriptions.start import CreateSubscription, create_subscription
from tests.services.lives import Life
from tests.services.shop import NOW, Shop

MARCH = datetime(2025, 3, 1, tzinfo=UTC)


def begin_daily(shop: Shop, *, missed: int) -> Life:
    """A daily subscription on a clock of 1 March 2025, with so many days behind it."""
    plan = shop.add_plan(billing_interval=Interval.DAY)
    clock = shop.do(clocks.create_clock, "bounds", MARCH)
    details = CustomerDetails(name="Harbor Labs", external_id="acct_77")
    customer = shop.do(create_customer, CreateCustomer(details=details, test_clock_id=clock.id))
    command = CreateSubscription(
        customer_id=customer.id, plan_id=plan.id, start_date=MARCH - timedelta(days=missed)
    )
    subscription = shop.do(create_subscription, command)
    return Life(shop=shop, subscription_id=subscription.id, clock_id=clock.id)


@pytest.fixture
def five_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request does four periods, and a transaction two parts of them: the same in small."""
    monkeypatch.setattr(catching_up, "AT_ONCE", 4)
    monkeypatch.setattr(catching_up, "IN_ONE_TRANSACTION", 2)


def pending(life: Life) -> str | None:
    change = life.row().pending_change
    return None if change is None else str(change["action"])


def cancel(life: Life, **options: Any) -> Subscription:
    return life.do(changes.cancel_subscription, at_period_end=False, now=NOW, **options)


def bills(life: Life) -> list[Any]:
    return [one.period_index for one in life.invoices()]


def test_forty_missed_periods_are_billed_by_the_request(shop: Shop) -> None:
    life = begin_daily(shop, missed=40)

    cancel(life)

    assert (life.row().status, pending(life)) == ("CANCELED", None)
    assert bills(life) == list(range(40))


def test_with_forty_one_the_change_is_pending_and_nothing_else_happened(shop: Shop) -> None:
    life = begin_daily(shop, missed=41)

    cancel(life, reason="moved")

    assert (life.row().status, pending(life), bills(life)) == ("ACTIVE", "cancel", [])


@pytest.mark.usefixtures("five_are_too_many")
def test_workflow_bills_what_was_missed_and_then_does_what_was_asked(shop: Shop) -> None:
    life = begin_daily(shop, missed=5)
    cancel(life, reason="moved")

    life.catch_up()

    row = life.row()
    assert (row.status, row.ended_at, row.cancel_reason) == ("CANCELED", MARCH, "moved")
    assert pending(life) is None
    assert bills(life) == list(range(5))


@pytest.mark.usefixtures("five_are_too_many")
def test_deletion_takes_the_place_of_a_pending_cancellation(shop: Shop) -> None:
    life = begin_daily(shop, missed=5)
    cancel(life)

    life.do(changes.delete_subscription, now=NOW)
    assert pending(life) == "delete"
    life.catch_up()

    assert life.row().deleted_at is not None
    assert bills(life) == list(range(5))


@pytest.mark.usefixtures("five_are_too_many")
def test_the_same_change_waits_once_and_another_one_is_refused(shop: Shop) -> None:
    life = begin_daily(shop, missed=5)
    life.do(bill_now.generate_invoices, now=NOW)
    before = life.row().pending_change

    assert life.do(bill_now.generate_invoices, now=NOW) is None
    assert life.row().pending_change == before
    with pytest.raises(Conflict) as refused:
        life.do(changes.pause_subscription, now=NOW)
    assert refused.value.code == "change_pending"


@pytest.mark.usefixtures("five_are_too_many")
def test_change_that_is_not_allowed_any_more_is_refused_in_the_timeline(shop: Shop) -> None:
    life = begin_daily(shop, missed=5)
    life.do(bill_now.generate_invoices, now=NOW)

    life.catch_up()

    # At the clock's stand nothing of the period that began there has passed.
    assert pending(life) is None
    assert bills(life) == list(range(5))


@pytest.mark.usefixtures("five_are_too_many")
def test_pending_cancellation_is_taken_back_by_reactivating(shop: Shop) -> None:
    life = begin_daily(shop, missed=5)
    cancel(life)

    life.do(changes.reactivate_subscription, now=NOW)
    life.catch_up()

    assert (life.row().status, pending(life)) == ("ACTIVE", None)


@pytest.mark.usefixtures("five_are_too_many")
def test_going_on_does_a_part_at_a_time_and_then_the_change(shop: Shop) -> None:
    life = begin_daily(shop, missed=5)
    cancel(life)
    life.act(life.state().agenda[0])
    life.act(life.state().agenda[0])

    done = [life.do(pending_changes.go_on, now=NOW) for _ in range(5)]

    assert done == [2] * 4 + [0]
    assert (life.row().status, bills(life)) == ("CANCELED", list(range(5)))


@pytest.mark.usefixtures("five_are_too_many")
def test_deleted_customer_is_hidden_at_once_and_its_subscriptions_end_after(shop: Shop) -> None:
    life = begin_daily(shop, missed=5)

    ending = shop.do(delete_customer, life.row().customer_id)
    assert ending == [life.subscription_id]
    assert (life.row().status, pending(life)) == ("ACTIVE", "delete")
    life.catch_up()

    assert (life.row().status, bills(life)) == ("CANCELED", list(range(5)))
    assert life.row().deleted_at is not None


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), "out_of_range"),
        (MARCH - timedelta(days=1831), "out_of_range"),
        (MARCH - timedelta(days=1001), "too_many_missed_periods"),
        (MARCH + timedelta(days=3661), "out_of_range"),
    ],
)
def test_start_too_far_from_now_is_refused(shop: Shop, start: datetime, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        begin_daily(shop, missed=(MARCH - start).days)

    assert (refused.value.code, refused.value.field) == (code, "start_date")


def test_start_may_lie_a_thousand_periods_back(shop: Shop) -> None:
    assert begin_daily(shop, missed=1000).state().agenda[0].due_at == MARCH - timedelta(days=999)
