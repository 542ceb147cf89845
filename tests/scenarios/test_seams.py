"""Where things meet: late usage, credit, voids and corrections across periods and subscriptions."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.scenarios.account import Account, Refused

METER = "api_calls"
CUSTOMER = "acct_77"


class Seller:
    """One organization with one SUM meter at 1 a call, one customer on a clock from January."""

    def __init__(self, account: Account, price: str = "1", **meter: Any) -> None:
        self.account = account
        self.feature = account.create_meter(METER, **meter)
        self.plan = account.create_plan()
        account.add_usage_charge(self.plan, self.feature["meter_id"], unit_price=Decimal(price))
        self.clock = account.create_clock()
        self.customer = account.create_customer(CUSTOMER, clock=self.clock)
        self.now = "2025-01-01T00:00:00Z"

    def allow(self, units: int, reset: str) -> None:
        """The plan includes so many calls in each reset period."""
        grant = {
            "feature_id": self.feature["id"],
            "is_enabled": True,
            "usage_limit": units,
            "usage_reset_period": reset,
            "is_soft_limit": True,
        }
        self.account.post(f"/plans/{self.plan['id']}/features", grant)

    def subscribe(self, **options: Any) -> dict[str, Any]:
        return self.account.subscribe(self.customer, self.plan, **options)

    def use(self, calls: Any, at: str) -> dict[str, Any]:
        """An event; the clock comes along if it lies ahead."""
        if at > self.now:
            self.advance(at)
        return dict(self.account.track(METER, CUSTOMER, calls, at))

    def advance(self, to: str) -> None:
        self.account.advance(self.clock, to)
        self.now = to

    def void_event(self, event: dict[str, Any]) -> None:
        self.account.post(f"/usage/{event['id']}/void")

    def void(self, invoice: dict[str, Any], **options: Any) -> dict[str, Any]:
        body = {"status": "VOID", **options}
        return dict(self.account.patch(f"/invoices/{invoice['id']}/status", body))

    def totals(self, subscription: dict[str, Any]) -> list[Decimal]:
        return [Decimal(one["total"]) for one in self.account.invoices(subscription)]

    def notes(self, invoice: dict[str, Any]) -> list[tuple[str, Decimal]]:
        found = self.account.get(f"/invoices/{invoice['id']}/credit-notes")["data"]
        return [(note["kind"], Decimal(note["total"])) for note in found]


def late_lines(invoice: dict[str, Any]) -> list[Decimal]:
    """The totals of an invoice's late lines."""
    return [
        Decimal(line["line_total"])
        for line in invoice["line_items"]
        if line["type"] == "late_usage"
    ]


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


def test_late_event_wakes_its_owner_on_the_wall_clock(account: Account) -> None:
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


def test_credit_is_the_customers_and_the_next_subscription_takes_it(seller: Seller) -> None:
    first = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)
    seller.account.post(f"/subscriptions/{first['id']}/cancel", {"cancel_at_period_end": False})
    seller.advance("2025-02-10T02:00:00Z")
    assert seller.totals(first) == [100, 0]

    second = seller.subscribe(start_date="2025-02-10T02:00:00Z")
    seller.use(130, "2025-02-20T00:00:00Z")
    seller.advance("2025-03-12T00:00:00Z")

    assert seller.totals(second) == [30]


def test_credit_is_the_customers_when_the_correction_comes_after_the_end(seller: Seller) -> None:
    first = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.account.post(f"/subscriptions/{first['id']}/cancel")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)
    seller.advance("2025-02-10T02:00:00Z")
    assert seller.totals(first) == [100, 0]

    second = seller.subscribe(start_date="2025-02-10T02:00:00Z")
    seller.use(130, "2025-02-20T00:00:00Z")
    seller.advance("2025-03-12T00:00:00Z")

    assert seller.totals(second) == [30]


def test_credit_that_no_invoice_takes_is_given_back_after_thirty_days(seller: Seller) -> None:
    subscription = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.account.post(f"/subscriptions/{subscription['id']}/cancel")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)

    seller.advance("2025-03-02T23:00:00Z")
    [_, late] = seller.account.invoices(subscription)
    assert (late["total"], late["status"], seller.notes(late)) == (0, "PAID", [])
    seller.advance("2025-03-03T01:00:00Z")

    assert seller.notes(late) == [("carried_credit", 100)]
    seller.advance("2025-06-03T01:00:00Z")
    assert seller.notes(late) == [("carried_credit", 100)]


def test_manual_invoice_takes_the_customers_credit_when_it_is_finalized(seller: Seller) -> None:
    subscription = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)
    seller.advance("2025-03-10T00:00:00Z")
    assert seller.totals(subscription) == [100, 0]
    seller.account.request(
        "PUT", f"/customers/{seller.customer['id']}", {"billing_address_country": "GB"}
    )
    manual = seller.account.post(
        "/invoices",
        {
            "customer_id": seller.customer["id"],
            "currency": "USD",
            "due_date": "2025-04-01T00:00:00Z",
            "line_items": [{"description": "Import", "quantity": 1, "unit_amount": 70}],
        },
    )
    assert manual["total"] == 70

    final = seller.account.post(f"/invoices/{manual['id']}/finalize")

    assert (final["total"], final["status"]) == (0, "PAID")
    assert [line["line_total"] for line in final["line_items"]] == [70, -70]
    seller.use(50, "2025-03-12T00:00:00Z")
    seller.advance("2025-04-10T00:00:00Z")
    assert seller.totals(subscription)[-1] == 20  # 50 less the 30 that were left


def test_void_gives_the_credit_back_that_the_invoice_took(seller: Seller) -> None:
    subscription = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)
    seller.advance("2025-03-10T00:00:00Z")
    seller.use(130, "2025-03-12T00:00:00Z")
    seller.advance("2025-04-10T00:00:00Z")
    *_, march = seller.account.invoices(subscription)
    assert march["total"] == 30

    seller.void(march)
    seller.use(130, "2025-04-12T00:00:00Z")
    seller.advance("2025-05-10T00:00:00Z")

    assert seller.totals(subscription)[-1] == 30


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


def test_preview_shows_late_lines_and_the_customers_credit(seller: Seller) -> None:
    subscription = seller.subscribe()
    event = seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.void_event(event)
    path = f"/subscriptions/{subscription['id']}/preview-invoice"
    preview = seller.account.post(path)
    assert [(one["type"], one["line_total"]) for one in preview["line_items"]] == [
        ("usage", 0),
        ("late_usage", -100),
        ("adjustment", 100),
    ]
    seller.advance("2025-03-10T00:00:00Z")
    seller.use(130, "2025-03-10T00:00:00Z")

    preview = seller.account.post(path)

    assert [(one["type"], one["line_total"]) for one in preview["line_items"]] == [
        ("usage", 130),
        ("credit", -100),
    ]
    assert preview["total"] == 30


def test_void_sets_free_what_the_invoice_had_settled(account: Account) -> None:
    seller = Seller(account, price="0.01")
    subscription = seller.subscribe()
    seller.advance("2025-02-10T00:00:00Z")
    seller.use(50, "2025-01-20T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    [_, february] = account.invoices(subscription)
    assert late_lines(february) == [Decimal("0.50")]

    seller.void(february)
    verified = account.post(f"/invoices/{account.invoices(subscription)[0]['id']}/verify")
    assert (verified["result"], verified["pending_late_usage"]) == ("equal", True)
    seller.advance("2025-04-10T00:00:00Z")

    *_, march = account.invoices(subscription)
    assert late_lines(march) == [Decimal("0.50")]
    verified = account.post(f"/invoices/{account.invoices(subscription)[0]['id']}/verify")
    assert verified["pending_late_usage"] is False


def test_void_that_settles_nothing_again_forgives_for_good(account: Account) -> None:
    seller = Seller(account, price="0.01")
    subscription = seller.subscribe()
    seller.advance("2025-02-10T00:00:00Z")
    seller.use(50, "2025-01-20T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    [_, february] = account.invoices(subscription)

    seller.void(february, settle=False)
    seller.use(50, "2025-01-21T00:00:00Z")
    seller.advance("2025-04-10T00:00:00Z")

    *_, march = account.invoices(subscription)
    assert late_lines(march) == [Decimal("0.50")]


def test_void_takes_back_what_other_invoices_said_of_the_period(seller: Seller) -> None:
    subscription = seller.subscribe()
    seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.use(10, "2025-01-20T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    assert seller.totals(subscription) == [100, 10]
    [january, _] = seller.account.invoices(subscription)

    seller.void(january)
    seller.use(50, "2025-03-12T00:00:00Z")
    seller.advance("2025-04-10T00:00:00Z")

    *_, march = seller.account.invoices(subscription)
    assert (late_lines(march), march["total"]) == ([-10], 40)


def test_reissue_bills_the_period_once_more_from_its_usage_now(seller: Seller) -> None:
    subscription = seller.subscribe()
    seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-10T00:00:00Z")
    seller.use(10, "2025-01-20T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    [january, february] = seller.account.invoices(subscription)
    path = f"/invoices/{january['id']}/reissue"
    with pytest.raises(Refused) as refused:
        seller.account.post(path)
    assert (refused.value.status, refused.value.body["code"]) == (409, "invoice_not_void")

    seller.void(january)
    draft = seller.account.post(path, expect=201)
    with pytest.raises(Refused) as refused:
        seller.account.post(path)
    assert (refused.value.status, refused.value.body["code"]) == (409, "already_reissued")
    seller.advance("2025-04-10T00:00:00Z")

    again = seller.account.get(f"/invoices/{draft['id']}")
    assert (again["status"], again["total"], late_lines(again)) == ("OPEN", 100, [-10])
    assert (again["period_start"], february["total"]) == (january["period_start"], 10)
    assert seller.account.post(f"/invoices/{draft['id']}/verify")["result"] == "equal"
    *_, march = seller.account.invoices(subscription)
    assert march["total"] == 0


def test_deleted_draft_leaves_its_period_unbilled_until_somebody_bills_it(seller: Seller) -> None:
    subscription = seller.subscribe()
    seller.use(100, "2025-01-10T00:00:00Z")
    seller.advance("2025-02-01T00:30:00Z")
    [draft] = seller.account.invoices(subscription)
    seller.account.request("DELETE", f"/invoices/{draft['id']}", expect=204)

    found = seller.account.get("/audit/coverage")["findings"]
    assert [(one["kind"], one["period_index"], one["period_start"]) for one in found] == [
        ("unbilled", 0, "2025-01-01T00:00:00Z")
    ]
    seller.use(5, "2025-01-11T00:00:00Z")
    seller.advance("2025-03-10T00:00:00Z")
    assert seller.totals(subscription) == [0]
    path = f"/subscriptions/{subscription['id']}/generate-invoice"
    [again] = seller.account.post(path, {"period_index": 0}, expect=201)["data"]

    assert (again["total"], again["period_end"]) == (105, "2025-02-01T00:00:00Z")
    assert seller.account.get("/audit/coverage")["findings"] == []
    with pytest.raises(Refused) as refused:
        seller.account.post(path, {"period_index": 0})
    assert (refused.value.status, refused.value.body["code"]) == (409, "period_already_billed")


def test_draft_that_is_deleted_sets_its_late_line_free(account: Account) -> None:
    seller = Seller(account, price="0.01")
    subscription = seller.subscribe()
    seller.advance("2025-02-10T00:00:00Z")
    seller.use(50, "2025-01-20T00:00:00Z")
    seller.advance("2025-03-01T00:30:00Z")
    [_, draft] = account.invoices(subscription)
    assert late_lines(draft) == [Decimal("0.50")]

    account.request("DELETE", f"/invoices/{draft['id']}", expect=204)
    seller.advance("2025-04-10T00:00:00Z")

    *_, march = account.invoices(subscription)
    assert late_lines(march) == [Decimal("0.50")]


def wait_for(condition: Any) -> None:
    """Return when the condition holds, within a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.1)
