"""The relay's half of the outbox: hand due messages to whoever can send them, and remember it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from models.subscriptions.subscriptions import OutboxMessage
from repositories import outbox as stored_outbox
from repositories.transactions import Transactions, name_organizations

BATCH = 32
"""So many messages are held at once, and are delivered again where a relay dies of it: two rounds
of those that are on their way at one moment (``runtime/subscription_workflows.py``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look into the outbox came to."""

    arrived: int
    """How many workflows were reached."""
    is_full: bool = False
    """Whether there may be more that was due, so that nobody needs to know when the next is."""
    next_due_at: datetime | None
    """When the next message is due that was left; long ago if another relay holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeMessage:
    """Whose facts changed; and the span that it comes of, which makes it no other message."""

    organization_id: UUID
    subscription_id: UUID
    traceparent: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectMessage:
    """Which invoice is to be collected, or changed while it is."""

    organization_id: UUID
    invoice_id: UUID
    traceparent: str | None = field(default=None, compare=False)


AnyMessage = WakeMessage | CollectMessage
"""What wakes a workflow, or first starts it."""

Send = Callable[[Sequence[AnyMessage]], Sequence[bool]]
"""Delivers messages and says of each whether it arrived. Delivering one twice must be harmless."""


def deliver_wake_messages(transactions: Transactions, send: Send, *, now: datetime) -> Look:
    """Deliver a batch of due messages of all organizations.

    Several messages to one workflow become one. A message that did not arrive is due again a little
    later, at most a minute; messages that another relay holds are passed over. If
    ``send`` raises, the messages simply stay.
    """
    with transactions.looking_up(stored_outbox.LOOKUP, stored_outbox.WAKE_MESSAGE) as session:
        due = stored_outbox.lock_due_messages(
            session, stored_outbox.WAKE_MESSAGE, now=now, limit=BATCH
        )
        arrived = _deliver(session, due, send, now=now) if due else 0
        is_full, next_due_at = len(due) == BATCH, None
        if not is_full:
            next_due_at = stored_outbox.find_next_due(session, stored_outbox.WAKE_MESSAGE)
    return Look(arrived=arrived, is_full=is_full, next_due_at=next_due_at)


def _deliver(session: Session, due: Sequence[OutboxMessage], send: Send, *, now: datetime) -> int:
    # A relay may see and lock what waits; only as their organizations may it change anything.
    name_organizations(session, sorted({message.organization_id for message in due}))
    recipients = list(dict.fromkeys(_read(message) for message in due))
    arrived = dict(zip(recipients, send(recipients), strict=True))
    for message in due:
        if arrived[_read(message)]:
            session.delete(message)
        else:
            _postpone(session, message.organization_id, message.id, message.attempts, now)
    return sum(arrived.values())


def _read(message: OutboxMessage) -> AnyMessage:
    traceparent = message.payload.get(stored_outbox.TRACEPARENT)
    match message.payload:
        case {"invoice_id": str() as invoice_id}:
            return CollectMessage(
                organization_id=message.organization_id,
                invoice_id=UUID(invoice_id),
                traceparent=traceparent,
            )
        case payload:
            return WakeMessage(
                organization_id=message.organization_id,
                subscription_id=UUID(payload["subscription_id"]),
                traceparent=traceparent,
            )


def _postpone(
    session: Session, organization_id: UUID, message_id: UUID, attempts: int, now: datetime
) -> None:
    wait = timedelta(seconds=min(60, 2**attempts))
    stored_outbox.postpone(session, organization_id, message_id, until=now + wait)
