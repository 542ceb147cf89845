"""Late and voided usage corrects every period that depends on it, and no more than is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.scenarios.account import Account, Refused
from tests.scenarios.seller import CUSTOMER, METER, Seller, late_lines, wait_for


@pytest.fixture
def seller(account: Account) -> Seller:
    return Seller(account)


def test_last_invoice_keeps_the_late_line_of_its_draft(account: Account) -> None:
    seller = Seller(account, price="0.01")
    subscription = seller.subscribe()
    seller.advance("2025-02-10T00:00:00Z")
    seller.use(50, "2025-01-20T00:00:00Z")
    account.post(f"/subscriptions/{subscription['id']}/cancel")

    seller.advance("2025-03-01T00:30:00Z")
    assert seller.totals(subscription) == [0, Decimal("0.50")]
    seller.advance("2025-03-05T00:00:00Z")

    assert seller.totals(subscription) == [0, Decimal("0.50")]


def test_last_invoice_keeps_what_it_gives_back(account: Account) -> None:
    seller = Seller(account, price="0.01")
    subscription = seller.subscribe()
    event = seller.use(100, "2025-01-20T00:00:00Z")
    seller.use(300, "2025-02-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)
    account.post(f"/subscriptions/{subscription['id']}/cancel")

    seller.advance("2025-03-01T00:30:00Z")
    seller.advance("2025-05-05T00:00:00Z")

    assert seller.totals(subscription) == [1, 2]


def test_late_event_wakes_its_workflow_on_the_wall_clock(account: Account) -> None:
    account.patch(
        "/organization", {"late_usage": "credit_note_or_invoice", "grace_period_minutes": 0}
    )
    feature = account.create_meter(METER)
    plan = account.create_plan(billing_interval="day")
    account.add_usage_charge(plan, feature["meter_id"], unit_price=Decimal(1))
    customer = account.create_customer(CUSTOMER)
    start = datetime.now(UTC) - timedelta(days=1, hours=1)
    subscription = account.subscribe(customer, plan, start_date=start.isoformat())
    wait_for(lambda: [one["status"] for one in account.invoices(subscription)] == ["PAID"])

    account.track(METER, CUSTOMER, 7, (start + timedelta(hours=1)).isoformat())

    wait_for(lambda: len(account.invoices(subscription)) == 2)
    [_, late] = account.invoices(subscription)
    assert (late["kind"], late["status"], late["total"]) == ("late_usage", "OPEN", 7)


def test_late_event_is_settled_after_the_end_on_the_wall_clock(account: Account) -> None:
    account.patch("/organization", {"grace_period_minutes": 0})
    feature = account.create_meter(METER)
    plan = account.create_plan(billing_interval="day")
    account.add_usage_charge(plan, feature["meter_id"], unit_price=Decimal(1))
    customer = account.create_customer(CUSTOMER)
    start = datetime.now(UTC) - timedelta(hours=3)
    subscription = account.subscribe(customer, plan, start_date=start.isoformat())
    account.post(f"/subscriptions/{subscription['id']}/cancel", {"cancel_at_period_end": False})
    wait_for(lambda: [one["status"] for one in account.invoices(subscription)] == ["PAID"])

    account.track(METER, CUSTOMER, 7, (start + timedelta(hours=1)).isoformat())

    wait_for(lambda: len(account.invoices(subscription)) == 2)
    assert [one["total"] for one in account.invoices(subscription)] == [0, 7]


@pytest.mark.parametrize(
    ("aggregation", "late", "expected"),
    [("LAST", 9, [4, 4]), ("MAX", 9, [4, 4])],
)
def test_late_value_changes_every_period_that_carried_it(
    account: Account, aggregation: str, late: int, expected: list[int]
) -> None:
    seller = Seller(account, aggregation_type=aggregation, carry_forward=True)
    subscription = seller.subscribe()
    seller.use(5, "2025-01-05T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    assert seller.totals(subscription) == [5, 5]

    seller.use(late, "2025-01-20T00:00:00Z")
    seller.advance("2025-04-02T00:00:00Z")

    *_, march = account.invoices(subscription)
    assert late_lines(march) == expected
    assert march["total"] == 17


def test_late_change_of_a_level_changes_all_that_follows(account: Account) -> None:
    seller = Seller(account, aggregation_type="WEIGHTED_SUM", carry_forward=True)
    subscription = seller.subscribe()
    seller.use(5, "2025-01-01T00:00:00Z")
    seller.use(1, "2025-02-01T00:00:00Z")
    seller.advance("2025-04-10T00:00:00Z")
    assert seller.totals(subscription) == [5, 6, 6]

    seller.use(2, "2025-01-01T00:00:00Z")
    seller.advance("2025-05-02T00:00:00Z")

    *_, april = account.invoices(subscription)
    assert late_lines(april) == [2, 2, 2]
    assert april["total"] == 14


def test_late_event_takes_allowance_from_later_periods_of_its_window(seller: Seller) -> None:
    seller.allow(50, "year")
    subscription = seller.subscribe()
    seller.use(30, "2025-01-10T00:00:00Z")
    seller.use(30, "2025-02-10T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    assert seller.totals(subscription) == [0, 10]

    seller.use(10, "2025-01-20T00:00:00Z")
    seller.advance("2025-04-02T00:00:00Z")

    *_, march = seller.account.invoices(subscription)
    assert (late_lines(march), march["total"]) == ([10], 10)


def test_voided_event_gives_allowance_to_later_periods_of_its_window(seller: Seller) -> None:
    seller.allow(50, "year")
    subscription = seller.subscribe()
    event = seller.use(30, "2025-01-10T00:00:00Z")
    seller.use(30, "2025-02-10T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")

    seller.void_event(event)
    seller.use(70, "2025-03-11T00:00:00Z")
    seller.advance("2025-04-02T00:00:00Z")

    *_, march = seller.account.invoices(subscription)
    assert late_lines(march) == [-10]
    assert march["total"] == 40  # 70 calls on the 20 that are left of 50, less 10


def test_correction_gives_back_no_more_than_people_left(seller: Seller) -> None:
    subscription = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    [january] = seller.account.invoices(subscription)
    line = january["line_items"][0]["id"]
    path = f"/invoices/{january['id']}/credit-notes"
    seller.account.post(path, {"reason": "goodwill", "lines": [{"line_id": line, "amount": 80}]})

    seller.void_event(event)
    seller.advance("2025-03-10T00:00:00Z")

    *_, february = seller.account.invoices(subscription)
    assert late_lines(february) == [-20]
    with pytest.raises(Refused) as refused:
        seller.account.post(path, {"reason": "goodwill", "lines": [{"line_id": line, "amount": 1}]})
    assert refused.value.status == 409
    assert refused.value.body["code"] == "credit_exceeds_line"
    assert "0.00" in refused.value.body["detail"]
    timeline = seller.account.get(f"/subscriptions/{subscription['id']}/timeline")["past"]
    assert [one["detail"] for one in timeline if one["action"] == "correction_cut"] == [
        "80.00 USD of period 0 was given back already."
    ]
