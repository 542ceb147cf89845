"""Messages that wait to leave the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from models.base import new_id
from models.subscriptions.subscriptions import OutboxMessage

WAKE_MESSAGE = "owner"
"""The kind of a message that wakes, or first starts, the workflow of a subscription."""

LOOKUP = "outbox_kind"
"""What a relay's transaction looks up: it may then see and lock waiting messages of one kind."""

_QUEUED = "has_queued_messages"


def insert_message(
    session: Session,
    organization_id: UUID,
    *,
    kind: str,
    key: str,
    payload: dict[str, Any],
    now: datetime,
) -> None:
    """Queue a message in the transaction of the fact that it tells. Idempotent by kind and key.

    ``has_queued`` says of the session afterwards that it did.
    """
    note_queued(session)
    session.execute(
        insert(OutboxMessage)
        .values(
            organization_id=organization_id,
            id=new_id(),
            kind=kind,
            key=key,
            payload=payload,
            created_at=now,
            available_at=now,
            attempts=0,
        )
        .on_conflict_do_nothing(constraint="uq_outbox_message_key")
    )


def note_queued(session: Session) -> None:
    """A message was queued by a statement that is not :func:`insert_message`."""
    session.info[_QUEUED] = True


def has_queued(session: Session) -> bool:
    """Whether this session queued a message, so that a relay is worth waking after its commit."""
    return _QUEUED in session.info


def insert_messages(
    session: Session,
    organization_id: UUID,
    *,
    kind: str,
    payloads: Sequence[dict[str, Any]],
    now: datetime,
) -> None:
    """Queue a message for each payload in the transaction of the facts that they tell."""
    session.add_all(
        [
            OutboxMessage(
                organization_id=organization_id,
                kind=kind,
                key=str(new_id()),
                payload=payload,
                created_at=now,
                available_at=now,
            )
            for payload in payloads
        ]
    )
    session.flush()
    note_queued(session)


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
