"""Messages that wait to leave the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from models.base import new_id
from models.subscriptions.subscriptions import OutboxMessage

WAKE_MESSAGE = "owner"
"""The kind of a message that wakes, or first starts, a subscription's or an invoice's workflow."""

WEBHOOK_MESSAGE = "webhook"
"""The kind of a message that tells what happened to whoever asked for it."""

LOOKUP = "outbox_kind"
"""What a relay's transaction looks up: it may then see and lock waiting messages of one kind."""

TRACE = "trace"
"""Under which sessions carry what says where the current span stands, if there are traces."""

TRACEPARENT = "traceparent"
"""Where the payload of a wake says which span queued it."""

CHANNEL = "fluxrate_outbox"
"""Where the commit of queued messages tells their kinds; a trigger does it (migration 0019)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """What is to leave; of those with one key, the first of an organization and kind counts."""

    organization_id: UUID
    payload: dict[str, Any]
    key: str = field(default_factory=lambda: str(new_id()))


def insert_messages(
    session: Session, kind: str, messages: Sequence[NewMessage], *, now: datetime
) -> None:
    """Queue messages in the transaction of the facts that they tell, by one statement.

    Idempotent by kind and key.
    """
    if messages:
        origin = _origin_of(session, kind)
        rows = [
            {
                "organization_id": message.organization_id,
                "id": new_id(),
                "kind": kind,
                "key": message.key,
                "payload": message.payload | origin,
                "created_at": now,
                "available_at": now,
                "attempts": 0,
            }
            for message in messages
        ]
        session.execute(
            insert(OutboxMessage)
            .values(rows)
            .on_conflict_do_nothing(constraint="uq_outbox_message_key")
        )


def _origin_of(session: Session, kind: str) -> dict[str, str]:
    """What a wake says of the request that it comes of. What webhooks tell holds nothing of it."""
    current: Callable[[], str | None] | None = session.info.get(TRACE)
    if current is None or kind != WAKE_MESSAGE:
        return {}
    traceparent = current()
    return {} if traceparent is None else {TRACEPARENT: traceparent}


def lock_due_messages(
    session: Session, kind: str, *, now: datetime, limit: int
) -> Sequence[OutboxMessage]:
    """Messages of one kind that are due, oldest first, skipping those that another relay holds.

    Where the transaction looks up ``LOOKUP`` of that kind it finds those of every organization,
    by index alone: organizations that have none are not looked at.
    """
    return session.exec(
        select(OutboxMessage)
        .where(OutboxMessage.kind == kind, OutboxMessage.available_at <= now)
        .order_by(col(OutboxMessage.available_at), col(OutboxMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def lock_due_of(
    session: Session,
    organization_id: UUID,
    kind: str,
    customer_id: str,
    *,
    now: datetime,
    limit: int,
) -> Sequence[OutboxMessage]:
    """As :func:`lock_due_messages`, those alone whose keys begin with a customer and a stroke."""
    return session.exec(
        select(OutboxMessage)
        .where(
            OutboxMessage.organization_id == organization_id,
            OutboxMessage.kind == kind,
            col(OutboxMessage.key).startswith(f"{customer_id}/"),
            OutboxMessage.available_at <= now,
        )
        .order_by(col(OutboxMessage.available_at), col(OutboxMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def find_next_due(session: Session, kind: str) -> datetime | None:
    """When the first message of one kind is due, None if there is none.

    An instant that is past is that of a message which another relay holds.
    """
    return session.exec(
        select(OutboxMessage.available_at)
        .where(OutboxMessage.kind == kind)
        .order_by(col(OutboxMessage.available_at), col(OutboxMessage.id))
        .limit(1)
    ).first()


def postpone(session: Session, organization_id: UUID, message_id: UUID, *, until: datetime) -> None:
    """The message did not arrive: it is due again at ``until``."""
    session.execute(
        update(OutboxMessage)
        .where(
            col(OutboxMessage.organization_id) == organization_id,
            col(OutboxMessage.id) == message_id,
        )
        .values(available_at=until, attempts=OutboxMessage.attempts + 1)
    )
