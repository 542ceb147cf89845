"""Eight at once without an Idempotency-Key: every transition and every bill has one effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from sqlmodel import col, select

from api.context import AppContext
from models.subscriptions.subscriptions import SubscriptionAction
from repositories.accounts import organizations
from repositories.transactions import Transactions, name_organizations
from runtime.database.engine import create_application_engine
from tests.api.people import Clock, Person
from tests.api.sold import V1, Sold, add_plan, post, sell

EIGHT = 8


@pytest.fixture
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """As many connections as requests."""
    engine = create_application_engine(module_database_url, pool_size=EIGHT + 2)
    yield Transactions(engine)
    engine.dispose()


@pytest.fixture
def sold(owner: Person) -> Sold:
    """A plan at 31 a month; the customer has an address."""
    sold = sell(owner)
    fee = {"type": "FIXED", "unit_price": 31, "display_name": "Platform fee"}
    post(owner, f"/plans/{sold.plan['id']}/charges", fee)
    return sold


def send_at_once(owner: Any, path: str, body: Any = None, method: str = "POST") -> Counter[int]:
    """How often each status was answered to eight requests that came together."""

    def send(_: int) -> int:
        return int(owner.request(method, V1 + path, json={} if body is None else body).status_code)

    with ThreadPoolExecutor(EIGHT) as executor:
        return Counter(executor.map(send, range(EIGHT)))


def happened(context: AppContext, subscription: dict[str, Any], action: str) -> int:
    with context.transactions.for_organizations([]) as session:
        name_organizations(session, organizations.list_directory(session))
        rows = session.exec(
            select(SubscriptionAction).where(
                col(SubscriptionAction.subscription_id) == subscription["id"],
                SubscriptionAction.action == action,
            )
        ).all()
    return len(rows)


def invoices(sold: Sold) -> list[dict[str, Any]]:
    return list(sold.owner.get(f"{V1}/invoices?page_size=100").json()["data"])


def begun(found: list[dict[str, Any]]) -> set[str]:
    """The days on which the periods of invoices begin."""
    return {one["period_start"][:10] for one in found}


def recorded(sold: Sold, action: str) -> int:
    """How often the audit log says it."""
    entries = sold.owner.get(f"{V1}/audit?page_size=100").json()["data"]
    return [one["action"] for one in entries].count(action)


def test_generate_invoice_makes_one_cut(sold: Sold, context: AppContext) -> None:
    subscription = sold.subscribe("2026-03-01T00:00:00Z")

    statuses = send_at_once(sold.owner, f"/subscriptions/{subscription['id']}/generate-invoice")

    assert statuses == {201: 1, 409: 7}
    assert happened(context, subscription, "period_closed") == 1
    assert len(invoices(sold)) == 1


def test_generate_invoice_a_moment_later_does_not_cut_again(
    sold: Sold, context: AppContext, clock: Clock
) -> None:
    subscription = sold.subscribe("2026-03-01T00:00:00Z")
    path = f"/subscriptions/{subscription['id']}/generate-invoice"
    assert send_at_once(sold.owner, path)[201] == 1

    clock.advance(seconds=59)
    assert send_at_once(sold.owner, path) == {409: 8}
    clock.advance(seconds=1)
    assert send_at_once(sold.owner, path) == {201: 1, 409: 7}


def test_generate_invoice_bills_what_is_overdue_and_cuts_nothing(
    sold: Sold, context: AppContext, clock: Clock
) -> None:
    """January and February are over, nobody has billed them, and March runs."""
    subscription = sold.subscribe("2026-01-01T00:00:00Z")
    path = f"/subscriptions/{subscription['id']}/generate-invoice"

    assert send_at_once(sold.owner, path) == {201: 8}
    assert begun(invoices(sold)) == {"2026-01-01", "2026-02-01"}
    again = post(sold.owner, path, {})["data"]
    assert [one["period_start"][:10] for one in again] == ["2026-01-01", "2026-02-01"]

    assert happened(context, subscription, "overdue_billed") == 1
    assert recorded(sold, "subscription.invoiced") == 1
    clock.advance(seconds=60)
    assert begun(post(sold.owner, path, {})["data"]) == {"2026-03-01"}


def test_cancel_at_once_ends_once_with_one_bill(sold: Sold, context: AppContext) -> None:
    subscription = sold.subscribe()
    path = f"/subscriptions/{subscription['id']}/cancel"

    assert send_at_once(sold.owner, path, {"cancel_at_period_end": False}) == {200: 8}

    assert happened(context, subscription, "canceled") == 1
    assert len(invoices(sold)) == 1


def test_cancellation_and_change_at_the_periods_end_are_planned_once(sold: Sold) -> None:
    subscription = sold.subscribe()
    other = add_plan(sold.owner, "other")
    path = f"/subscriptions/{subscription['id']}"
    change = {"plan_id": other["id"], "when": "period_end"}

    changed = send_at_once(sold.owner, f"{path}/change-plan", change)
    canceled = send_at_once(sold.owner, f"{path}/cancel")

    assert (changed, canceled) == ({200: 8}, {200: 8})
    assert recorded(sold, "subscription.plan_changed") == 1
    assert recorded(sold, "subscription.canceled") == 1
    assert invoices(sold) == []


def test_subscription_is_deleted_once_with_one_bill(sold: Sold) -> None:
    subscription = sold.subscribe()

    statuses = send_at_once(sold.owner, f"/subscriptions/{subscription['id']}", method="DELETE")

    assert statuses == {204: 1, 404: 7}
    assert recorded(sold, "subscription.deleted") == 1
    assert len(invoices(sold)) == 1


def test_plan_is_changed_once(sold: Sold, context: AppContext) -> None:
    subscription = sold.subscribe()
    other = add_plan(sold.owner, "other")
    path = f"/subscriptions/{subscription['id']}/change-plan"

    assert send_at_once(sold.owner, path, {"plan_id": other["id"]}) == {200: 8}

    assert happened(context, subscription, "plan_changed") == 1
    assert len(invoices(sold)) == 1


def test_pause_and_resume_happen_once(sold: Sold, context: AppContext) -> None:
    subscription = sold.subscribe()
    path = f"/subscriptions/{subscription['id']}"

    assert send_at_once(sold.owner, f"{path}/pause") == {200: 8}
    assert send_at_once(sold.owner, f"{path}/resume") == {200: 8}

    assert happened(context, subscription, "paused") == 1
    assert happened(context, subscription, "resumed") == 1


def test_reactivation_takes_back_once(sold: Sold) -> None:
    subscription = sold.subscribe()
    path = f"/subscriptions/{subscription['id']}"
    post(sold.owner, f"/subscriptions/{subscription['id']}/cancel", {})

    assert send_at_once(sold.owner, f"{path}/reactivate") == {200: 8}

    assert sold.owner.get(V1 + path).json()["cancel_at_period_end"] is False


def test_final_paid_and_void_happen_once(sold: Sold, context: AppContext) -> None:
    subscription = sold.subscribe()
    post(sold.owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})
    [draft] = invoices(sold)

    finalized = send_at_once(sold.owner, f"/invoices/{draft['id']}/finalize")
    void = {"status": "VOID"}
    voided = send_at_once(sold.owner, f"/invoices/{draft['id']}/status", void, "PATCH")

    assert (finalized, voided) == ({200: 8}, {200: 1, 409: 7})
    assert happened(context, subscription, "invoice_finalized") == 1
    assert recorded(sold, "invoice.finalized") == recorded(sold, "invoice.void") == 1


def test_void_invoice_is_issued_again_once(sold: Sold) -> None:
    subscription = sold.subscribe()
    post(sold.owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})
    [draft] = invoices(sold)
    post(sold.owner, f"/invoices/{draft['id']}/finalize", {})
    path = f"{V1}/invoices/{draft['id']}/status"
    assert sold.owner.patch(path, json={"status": "VOID"}).status_code == 200

    statuses = send_at_once(sold.owner, f"/invoices/{draft['id']}/reissue")

    assert statuses == {201: 1, 409: 7}
    assert [one["status"] for one in invoices(sold)] == ["VOID", "DRAFT"]


def test_period_whose_draft_was_deleted_is_billed_once(sold: Sold) -> None:
    subscription = sold.subscribe()
    path = f"/subscriptions/{subscription['id']}/generate-invoice"
    post(sold.owner, path, {})
    [draft] = invoices(sold)
    sold.owner.delete(f"{V1}/invoices/{draft['id']}")

    statuses = send_at_once(sold.owner, path, {"period_index": 0})

    assert statuses == {201: 1, 409: 7}
    assert len(invoices(sold)) == 1


def test_invoice_is_written_off_once_and_its_event_is_void_once(sold: Sold) -> None:
    subscription = sold.subscribe()
    event = sold.used(7)
    post(sold.owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})
    [draft] = invoices(sold)
    post(sold.owner, f"/invoices/{draft['id']}/finalize", {})
    path = f"/invoices/{draft['id']}/status"

    written_off = send_at_once(sold.owner, path, {"status": "UNCOLLECTIBLE"}, "PATCH")
    amended = send_at_once(sold.owner, f"/usage/{event['id']}/amend", {"quantity": 9})
    voided = send_at_once(sold.owner, f"/usage/{event['id']}/void")

    assert written_off == {200: 1, 409: 7}
    assert recorded(sold, "invoice.uncollectible") == 1
    assert (amended, voided) == ({200: 8}, {200: 8})
    assert recorded(sold, "usage_event.amended") == recorded(sold, "usage_event.voided") == 1


def test_payment_happens_once(sold: Sold) -> None:
    subscription = sold.subscribe()
    post(sold.owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})
    [draft] = invoices(sold)
    post(sold.owner, f"/invoices/{draft['id']}/finalize", {})

    statuses = send_at_once(sold.owner, f"/invoices/{draft['id']}/pay")

    assert statuses == {200: 8}
    paid = sold.owner.get(f"{V1}/invoices/{draft['id']}").json()
    assert (paid["status"], paid["amount_paid"]) == ("PAID", draft["total"])


@pytest.mark.parametrize("share", ["a part", "all"])
def test_credit_note_is_made_once(sold: Sold, share: str, clock: Clock) -> None:
    subscription = sold.subscribe()
    post(sold.owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})
    [draft] = invoices(sold)
    post(sold.owner, f"/invoices/{draft['id']}/finalize", {})
    [line] = draft["line_items"]
    body = {
        "reason": "goodwill",
        "lines": [
            {"line_id": line["id"], "amount": line["line_total"] if share == "all" else 0.25}
        ],
    }
    path = f"/invoices/{draft['id']}/credit-notes"

    assert send_at_once(sold.owner, path, body) == {201: 8}

    assert len(sold.owner.get(V1 + path).json()["data"]) == 1
    clock.advance(seconds=60)
    later = {201: 8} if share == "a part" else {409: 8}
    assert send_at_once(sold.owner, path, body) == later


def test_migration_moves_each_subscription_once(sold: Sold) -> None:
    sold.subscribe(version_policy="pinned")
    fee = {"type": "FIXED", "unit_price": 5, "display_name": "Support"}
    post(sold.owner, f"/plans/{sold.plan['id']}/charges", fee)

    statuses = send_at_once(sold.owner, f"/plans/{sold.plan['id']}/migrate")

    assert statuses == {200: 8}
    assert recorded(sold, "subscription.migrated") == 1


def test_deleted_customer_is_deleted_once_and_its_bill_exists(sold: Sold, app: FastAPI) -> None:
    sold.subscribe()

    path = f"/customers/{sold.customer['id']}"
    statuses = send_at_once(sold.owner, path, method="DELETE")

    assert statuses == {204: 1, 404: 7}
    assert len(invoices(sold)) == 1
