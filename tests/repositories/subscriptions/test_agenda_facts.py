"""What a workflow is told of its subscription: the first that waits of each kind, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.subscriptions import MOST_COUNTED, NEXT_ENTRIES
from models.base import new_id
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription
from repositories.subscriptions.agenda_facts import (
    LONGEST_REASON,
    SHOWN_PARKED,
    AgendaFacts,
    list_agenda_facts,
)
from tests.repositories.rows import MARCH, Span, store, subscribe
from tests.services.limited import add_customer
from tests.services.shop import Shop

DAY = timedelta(days=1)


def days(*statuses: str) -> list[Span]:
    """Periods of a day each."""
    return [
        (MARCH + place * DAY, MARCH + (place + 1) * DAY, status)
        for place, status in enumerate(statuses)
    ]


def open_books(shop: Shop, *statuses: str) -> Subscription:
    return subscribe(shop, add_customer(shop).id, shop.add_plan(), *days(*statuses))


def facts(shop: Shop, subscription: Subscription, *, payments: int = 1) -> AgendaFacts:
    with shop.transactions.for_organization(shop.organization_id) as session:
        return list_agenda_facts(session, [subscription], payments=payments)[subscription.id]


def add_invoice(
    shop: Shop, subscription: Subscription, index: int | None, status: str, **instants: Any
) -> str:
    invoice = Invoice(
        organization_id=shop.organization_id,
        id=new_id(),
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        period_index=index,
        kind="manual" if index is None else "period",
        status=status,
        currency="USD",
        subtotal=Decimal(0),
        tax=Decimal(0),
        total=Decimal(0),
        amount_due=Decimal(0),
        amount_paid=Decimal(0),
        tax_status="none",
        timezone="UTC",
        issue_date=MARCH,
        invoice_number=None if status == "DRAFT" else f"X-{new_id()}",
        created_at=MARCH,
        **{"due_date": MARCH} | instants,
    )
    store(shop, invoice)
    return str(invoice.id)


def indexes(found: AgendaFacts) -> list[int]:
    return [one.index for one in found.periods]


def park(shop: Shop, subscription: Subscription, above: int, reason: str) -> None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(
            text(
                "UPDATE subscription_period SET status = 'parked', parked_step = 'price_usage',"
                " parked_reason = :reason WHERE subscription_id = :id AND index >= :above"
            ),
            {"reason": reason, "id": subscription.id, "above": above},
        )


def test_finished_subscription_waits_for_nothing(shop: Shop) -> None:
    found = facts(shop, open_books(shop, "final", "void", "skipped", "unbilled"))

    assert (found.plan_code, found.last_invoice) == ("payg", None)
    assert (found.periods, found.bills) == ((), ())
    assert (found.counts.undrafted, found.counts.parked) == (0, 0)


def test_running_period_and_the_first_missed_ones_are_told(shop: Shop) -> None:
    missed = ["closed"] * (NEXT_ENTRIES + 3)
    subscription = open_books(shop, "final", *missed, "open")

    found = facts(shop, subscription)

    assert indexes(found) == [*range(1, NEXT_ENTRIES + 1), len(missed) + 1]
    assert found.counts.undrafted == min(MOST_COUNTED, len(missed))


def test_some_parked_bills_are_told_with_the_beginning_of_their_reason(shop: Shop) -> None:
    subscription = open_books(shop, *["closed"] * (SHOWN_PARKED + 2))
    park(shop, subscription, 0, "long " * LONGEST_REASON)

    found = facts(shop, subscription)

    assert indexes(found) == list(range(SHOWN_PARKED))
    assert {len(one.parked_reason or "") for one in found.periods} == {LONGEST_REASON}
    assert found.counts.parked == SHOWN_PARKED + 2


def test_drafts_come_by_the_end_of_their_grace_and_ties_by_period(shop: Shop) -> None:
    subscription = open_books(shop, "drafted", "drafted", "drafted", "open")
    add_invoice(shop, subscription, 2, "DRAFT", scheduled_finalize_at=MARCH)
    add_invoice(shop, subscription, 1, "DRAFT", scheduled_finalize_at=MARCH + DAY)
    add_invoice(shop, subscription, 0, "DRAFT", scheduled_finalize_at=None)

    found = facts(shop, subscription)

    # The one without an end of grace waits for people, and not for the workflow.
    assert [one.period_index for one in found.bills] == [1, 2]
    assert found.counts.in_grace == 2


@pytest.mark.parametrize(("payments", "told"), [(0, []), (1, [None]), (2, [None, 1])])
def test_payments_are_told_by_their_due_date_as_many_as_asked(
    shop: Shop, payments: int, told: Sequence[int | None]
) -> None:
    subscription = open_books(shop, "final", "final", "open")
    add_invoice(shop, subscription, 0, "OPEN", due_date=MARCH + DAY)
    add_invoice(shop, subscription, 1, "OPEN", due_date=MARCH)
    add_invoice(shop, subscription, None, "OPEN", due_date=MARCH)

    found = facts(shop, subscription, payments=payments)

    assert {one.period_index for one in found.bills} == set(told)
    assert found.counts.unpaid == 3


def test_bill_that_is_past_due_paid_or_parked_is_not_waited_for(shop: Shop) -> None:
    subscription = open_books(shop, "final", "final", "closed")
    add_invoice(shop, subscription, 0, "OPEN", past_due_at=MARCH)
    add_invoice(shop, subscription, 1, "PAID", paid_at=MARCH)
    add_invoice(shop, subscription, 2, "DRAFT", scheduled_finalize_at=MARCH)
    park(shop, subscription, 2, "a broken rule")

    found = facts(shop, subscription)

    assert found.bills == ()
    assert (found.counts.unpaid, found.counts.in_grace) == (0, 0)


def test_newest_invoice_is_that_of_the_newest_period(shop: Shop) -> None:
    subscription = open_books(shop, "final", "final", "open")
    newest = add_invoice(shop, subscription, 1, "PAID", paid_at=MARCH)
    add_invoice(shop, subscription, 0, "PAID", paid_at=MARCH + DAY)

    assert facts(shop, subscription).last_invoice == number_of(shop, newest)


def test_nothing_of_another_subscription_is_told(shop: Shop, other_shop: Shop) -> None:
    subscription = open_books(shop, "final")
    plan = shop.add_plan("second")
    second = subscribe(shop, add_customer(shop).id, plan, *days("closed", "open"))
    add_invoice(shop, second, 0, "OPEN")
    add_invoice(other_shop, open_books(other_shop, "closed", "open"), 0, "OPEN")

    found = facts(shop, subscription)

    assert (found.periods, found.bills, found.last_invoice) == ((), (), None)


def number_of(shop: Shop, invoice_id: str) -> str | None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        found = session.get(Invoice, (shop.organization_id, UUID(invoice_id)))
        return None if found is None else found.invoice_number
