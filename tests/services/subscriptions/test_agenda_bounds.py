"""What a workflow carries stays small, and is the beginning of what the rules say is left to do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete
from sqlmodel import Session, col, select

from billing.invoicing.receipts import to_document
from billing.subscriptions import (
    MOST_COUNTED,
    NEXT_ENTRIES,
    Action,
    BillFacts,
    PeriodFacts,
    PeriodStatus,
    SubscriptionFacts,
    SubscriptionStatus,
    agenda_of,
)
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.operations import coverage
from services.invoicing.parking import NEVER_PARKED
from services.subscriptions import agenda
from tests.services.lives import START, Life, begin_life
from tests.services.shop import NOW, Shop

FAR = datetime(2020, 1, 1, tzinfo=UTC)
LARGEST_PAYLOAD = 64 * 1024


def add_period(session: Session, life: Life, index: int, status: str, **values: Any) -> None:
    former = life.period(0)
    session.add(
        SubscriptionPeriod(
            organization_id=life.shop.organization_id,
            subscription_id=life.subscription_id,
            index=index,
            ordinal=index,
            anchor_at=former.anchor_at,
            starts_at=START + timedelta(days=index),
            ends_at=START + timedelta(days=index + 1),
            plan_id=former.plan_id,
            plan_version=former.plan_version,
            status=status,
            parked_step="price_usage" if status == "parked" else None,
            parked_reason="a broken rule " * 100 if status == "parked" else None,
            **values,
        )
    )


def add_invoice(
    session: Session, life: Life, index: int | None, status: str, **values: Any
) -> None:
    row = life.row()
    session.add(
        Invoice(
            organization_id=life.shop.organization_id,
            customer_id=row.customer_id,
            subscription_id=row.id,
            period_index=index,
            kind="manual" if index is None else "period",
            status=status,
            currency="USD",
            subtotal=Decimal(1),
            tax=Decimal(0),
            total=Decimal(1),
            amount_due=Decimal(status != "VOID"),
            amount_paid=Decimal(0),
            tax_status="none",
            timezone="UTC",
            issue_date=FAR,
            due_date=values.pop("due_date", FAR),
            invoice_number=f"X-{life.subscription_id}-{index}-{Random().random()}",
            created_at=NOW,
            **values,
        )
    )


def size_of_state(life: Life) -> int:
    return len(json.dumps(to_document(life.state())))


def open_shop_with_everything_waiting(shop: Shop) -> Life:
    life = begin_life(shop)
    with shop.transactions.for_organization(shop.organization_id) as session:
        clear(session, life)
        for index in range(1000):
            add_period(session, life, index, "closed")
            add_invoice(session, life, index + 1000, "OPEN", due_date=FAR + timedelta(days=index))
            add_invoice(session, life, index + 2000, "DRAFT", scheduled_finalize_at=FAR)
        for index in range(1000, 1010):
            add_period(session, life, index, "parked")
    return life


def clear(session: Session, life: Life) -> None:
    of_life = {"organization_id": life.shop.organization_id}
    session.execute(
        delete(SubscriptionPeriod).where(
            col(SubscriptionPeriod.organization_id) == of_life["organization_id"]
        )
    )


def test_a_thousand_open_invoices_and_missed_periods_leave_the_state_small(shop: Shop) -> None:
    life = open_shop_with_everything_waiting(shop)

    state = life.state()

    assert size_of_state(life) < LARGEST_PAYLOAD / 4
    assert len(state.agenda) == NEXT_ENTRIES
    assert len(state.attention) == 5
    assert max(map(len, state.attention)) < 400
    assert state.counts is not None
    assert (state.counts.undrafted, state.counts.unpaid) == (MOST_COUNTED, MOST_COUNTED)
    assert state.counts.parked == 10


def test_of_all_payments_the_earliest_is_on_the_agenda(shop: Shop) -> None:
    life = begin_life(shop)
    with shop.transactions.for_organization(shop.organization_id) as session:
        for index in range(1, 1001):
            add_invoice(session, life, index, "OPEN", due_date=FAR + timedelta(days=1000 - index))

    payments = [one for one in life.state().agenda if one.action is Action.PAYMENT_DUE]

    assert [(one.period_index, one.due_at) for one in payments] == [(1000, FAR)]


def scatter(session: Session, life: Life, random: Random) -> None:
    """Random periods and invoices of a subscription, parked ones with their drafts among them."""
    clear(session, life)
    count = random.randint(0, 60)
    for index in range(count):
        status = random.choice([one.value for one in PeriodStatus if one is not PeriodStatus.OPEN])
        add_period(session, life, index, status)
        if random.random() < 0.6:
            add_random_invoice(session, life, index, random)
    if random.random() < 0.7:
        add_period(session, life, count, "open")
    for _ in range(random.randint(0, 3)):
        add_random_invoice(session, life, None, random)
    row = session.get(Subscription, (life.shop.organization_id, life.subscription_id))
    assert row is not None
    row.status = random.choice(["ACTIVE", "CANCELED", "PAST_DUE"])
    row.ended_at = FAR if row.status == "CANCELED" else None
    session.add(row)


def add_random_invoice(session: Session, life: Life, index: int | None, random: Random) -> None:
    def when() -> datetime:
        return FAR + timedelta(days=random.randint(0, 9))

    status = random.choice(["DRAFT", "OPEN", "VOID", "UNCOLLECTIBLE"])
    is_scheduled = status == "DRAFT" and random.random() < 0.8
    add_invoice(
        session,
        life,
        index,
        status,
        due_date=when(),
        scheduled_finalize_at=when() if is_scheduled else None,
        past_due_at=FAR if status == "OPEN" and random.random() < 0.3 else None,
    )


def all_facts(session: Session, organization_id: UUID, subscription_id: UUID) -> SubscriptionFacts:
    """Everything that is stored, read without any condition."""
    row = session.get(Subscription, (organization_id, subscription_id))
    assert row is not None
    periods = session.exec(
        select(SubscriptionPeriod).where(SubscriptionPeriod.subscription_id == subscription_id)
    ).all()
    bills = session.exec(select(Invoice).where(Invoice.subscription_id == subscription_id)).all()
    return SubscriptionFacts(
        status=SubscriptionStatus(row.status),
        periods=tuple(
            PeriodFacts(index=one.index, ends_at=one.ends_at, status=PeriodStatus(one.status))
            for one in periods
        ),
        bills=tuple(
            BillFacts(
                invoice_id=str(one.id),
                period_index=one.period_index,
                finalize_at=one.scheduled_finalize_at if one.status == "DRAFT" else None,
                due_at=one.due_date if one.status == "OPEN" and not one.past_due_at else None,
            )
            for one in bills
        ),
    )


@pytest.mark.parametrize("seed", range(25))
def test_what_is_read_begins_as_the_rules_say_and_owned_is_who_has_something_left(
    shop: Shop, seed: int
) -> None:
    life = begin_life(shop)
    with shop.transactions.for_organization(shop.organization_id) as session:
        scatter(session, life, Random(seed))
    with shop.transactions.for_organization(shop.organization_id) as session:
        facts = all_facts(session, shop.organization_id, life.subscription_id)
        unfinished = coverage.list_unfinished(session, shop.organization_id)
        read = agenda.get_state(session, shop.organization_id, life.subscription_id)

    full = agenda_of(facts)
    earliest = next((one for one in full if one.action is Action.PAYMENT_DUE), None)
    expected = [one for one in full if one.action is not Action.PAYMENT_DUE or one == earliest]
    is_parked = any(one.status is PeriodStatus.PARKED for one in facts.periods)
    is_live = facts.status is not SubscriptionStatus.CANCELED

    named = [(one.due_at, one.action, one.period_index) for one in read.agenda]
    assert named == [(x.due_at, x.action, x.period_index) for x in expected][:NEXT_ENTRIES]
    assert (life.subscription_id in unfinished) == bool(is_live or full or is_parked)


def test_bills_that_nobody_waits_for_are_never_parked() -> None:
    assert {PeriodStatus.SKIPPED, PeriodStatus.UNBILLED, PeriodStatus.VOID} < NEVER_PARKED
