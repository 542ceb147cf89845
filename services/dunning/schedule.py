"""What a payment workflow is to do next: computed from the rows, as agendas are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.payments.dunning import (
    NEXT_ENTRIES,
    CollectionAction,
    CollectionEntry,
    CollectionState,
    CollectionStatus,
    entries_of,
)
from models.invoicing.invoices import Invoice
from models.payments.collections import Collection
from models.subscriptions.subscriptions import Subscription
from repositories.payments import collections as stored_collections
from repositories.payments.collections import StoredCollection
from repositories.subscriptions import clocks as stored_clocks
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.documents.locks import lock_invoice
from services.subscriptions import agenda, clocks, turns
from services.subscriptions.turns import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class DueEntry:
    """An entry of a schedule that is to be performed, under the locks of all that it may change."""

    invoice: Invoice
    subscription: Subscription | None
    collection: Collection
    stored: StoredCollection
    at: datetime
    """When it happens: on the wall clock now, on a test clock when it was due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clock:
    """The test clock of a customer: its present, and whether it is on its way there."""

    present: datetime
    is_advancing: bool


def read_state(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> CollectionState:
    """The present state of an invoice for the workflow that collects it.

    A collection of which nothing is due any more has ended; whoever's turn it is first is woken.
    """
    stored = stored_collections.find_facts(session, organization_id, invoice_id)
    if stored is None:
        return CollectionState()
    entries = entries_of(stored.facts)
    clock = _clock_of(session, stored)
    if not entries:
        _end(session, stored, at=now if clock is None else clock.present)
    waits_for = None
    if clock is not None and stored.subscription_id is not None:
        waits_for = _find_who_is_first(session, stored, entries, clock, now=now)
    return CollectionState(
        entries=entries[:NEXT_ENTRIES],
        status=stored.invoice_status,
        customer_id=str(stored.customer_id),
        invoice_number=stored.invoice_number,
        failed_tries=stored.tries,
        end_action=stored.end_action,
        clock_at=None if clock is None else clock.present,
        is_behind=bool(entries)
        and waits_for is None
        and _is_behind(stored.completed_through, clock),
        waits_for=waits_for,
    )


def lock_due(
    session: Session,
    organization_id: UUID,
    invoice_id: UUID,
    action: CollectionAction,
    *,
    due_at: datetime,
    now: datetime,
) -> DueEntry | None:
    """What the step is about, if it is what comes next and was due by then; None if it is done."""
    invoice, subscription = lock_invoice(session, organization_id, invoice_id)
    collection = stored_collections.lock_collection(session, organization_id, invoice_id)
    stored = stored_collections.find_facts(session, organization_id, invoice_id)
    if collection is None or stored is None:
        return None
    entries = entries_of(stored.facts)
    if not entries or entries[0].action is not action or entries[0].due_at > due_at:
        return None
    at = max(due_at, now)
    if stored.test_clock_id is not None:
        clock = stored_clocks.find_clock(session, organization_id, stored.test_clock_id)
        assert clock is not None
        at = max(due_at, clock.frozen_time)
    return DueEntry(
        invoice=invoice, subscription=subscription, collection=collection, stored=stored, at=at
    )


def record_progress(
    session: Session, organization_id: UUID, invoice_id: UUID, through: datetime
) -> None:
    """The workflow has done all that was due up to ``through``; the last to say so stops the clock.

    Idempotent by the instant: it never moves back.
    """
    collection = stored_collections.lock_collection(session, organization_id, invoice_id)
    stored = stored_collections.find_facts(session, organization_id, invoice_id)
    if collection is None or stored is None or collection.test_clock_id is None:
        return
    entries = entries_of(stored.facts)
    if entries and entries[0].due_at <= through:
        return
    if collection.completed_through is None or collection.completed_through < through:
        collection.completed_through = through
        session.add(collection)
        session.flush()
    clocks.settle_clock(session, organization_id, collection.test_clock_id)


def _clock_of(session: Session, stored: StoredCollection) -> _Clock | None:
    if stored.test_clock_id is None:
        return None
    clock = stored_clocks.find_clock(session, stored.organization_id, stored.test_clock_id)
    assert clock is not None
    return _Clock(
        present=clock.target_time or clock.frozen_time, is_advancing=clock.target_time is not None
    )


def _end(session: Session, stored: StoredCollection, *, at: datetime) -> None:
    if stored.status == CollectionStatus.ENDED:
        return
    collection = stored_collections.lock_collection(
        session, stored.organization_id, stored.invoice_id
    )
    assert collection is not None
    collection.status, collection.ended_at = CollectionStatus.ENDED, at
    session.add(collection)
    session.flush()
    if stored.test_clock_id is not None:
        clocks.settle_clock(session, stored.organization_id, stored.test_clock_id)


def _find_who_is_first(
    session: Session,
    stored: StoredCollection,
    entries: tuple[CollectionEntry, ...],
    clock: _Clock,
    *,
    now: datetime,
) -> str | None:
    """The subscription, or another invoice of it, if that has something to do first; it is woken.

    The subscription is woken as well where it waited for this one, which has nothing to do now.
    """
    organization_id, subscription_id = stored.organization_id, stored.subscription_id
    assert subscription_id is not None
    subscription = stored_subscriptions.find_subscription(session, organization_id, subscription_id)
    assert subscription is not None
    due = agenda.read_state(session, subscription).agenda[:1]
    is_due = bool(due) and due[0].due_at <= clock.present
    own = None
    if entries and entries[0].due_at <= clock.present:
        own = Turn(due_at=entries[0].due_at, invoice_id=stored.invoice_id)
    if own is None:
        if is_due or _is_behind(subscription.completed_through, clock):
            agenda.wake_workflow(session, subscription, now=now)
        return None
    if is_due and due[0].due_at <= own.due_at:
        agenda.wake_workflow(session, subscription, now=now)
        return str(subscription.id)
    first = turns.find_first_collection(session, organization_id, subscription_id, by=clock.present)
    if first is None or first >= own:
        return None
    turns.wake_collections(session, [(organization_id, first.invoice_id)], now=now)
    return str(first.invoice_id)


def _is_behind(reached: datetime | None, clock: _Clock | None) -> bool:
    if clock is None or not clock.is_advancing:
        return False
    return reached is None or reached < clock.present
