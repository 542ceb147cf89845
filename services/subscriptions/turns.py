"""In which order the workflows of a test clock act: that of a subscription, and its invoices'.

On a test clock everything happens at its own instant, whichever workflow does it: a subscription
that is canceled because nobody paid bills nothing after that. So each looks at the rows whether it
is next, subscriptions before invoices at one instant, and wakes whoever is. Source: CONTRACT 49.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.payments.dunning import entries_of
from billing.subscriptions import WorkflowState
from models.subscriptions.subscriptions import Subscription
from repositories import outbox as stored_outbox
from repositories.outbox import NewMessage
from repositories.payments import collections as stored_collections


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Turn:
    """What is due first of all that invoices of a subscription wait for."""

    due_at: datetime
    invoice_id: UUID


def find_first_collection(
    session: Session, organization_id: UUID, subscription_id: UUID, *, by: datetime
) -> Turn | None:
    """The first of what is due by then to collect a subscription's invoices, None if nothing is."""
    turns = []
    for one in stored_collections.list_of_subscription(session, organization_id, subscription_id):
        entries = entries_of(one.facts)
        if entries and entries[0].due_at <= by:
            turns.append(Turn(due_at=entries[0].due_at, invoice_id=one.invoice_id))
    return min(turns, default=None)


def in_turn(session: Session, subscription: Subscription, state: WorkflowState) -> WorkflowState:
    """What the workflow of a subscription does before it is another's turn.

    On the wall clock that is all of its agenda.
    """
    if state.clock_at is None:
        return state
    first = find_first_collection(
        session, subscription.organization_id, subscription.id, by=state.clock_at
    )
    if first is None:
        return state
    agenda = tuple(entry for entry in state.agenda if entry.due_at <= first.due_at)
    if agenda:
        return replace(state, agenda=agenda)
    return replace(state, agenda=(), is_behind=False, waits_for=str(first.invoice_id))


def wake_collections(session: Session, keys: Sequence[tuple[UUID, UUID]], *, now: datetime) -> None:
    """Queue the messages that wake, or first start, the workflows that collect these invoices."""
    stored_outbox.insert_messages(
        session,
        stored_outbox.WAKE_MESSAGE,
        [
            NewMessage(organization_id=organization_id, payload={"invoice_id": str(invoice_id)})
            for organization_id, invoice_id in keys
        ],
        now=now,
    )
