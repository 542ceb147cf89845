"""Corrections of events: found by the event's id, written as facts of their own."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.usage.event_ids import moment_of
from models.usage.events import UsageCorrection, UsageEvent


def find_event(session: Session, organization_id: UUID, event_id: UUID) -> UsageEvent | None:
    """The event, or None. Its id tells its moment, so one partition is read."""
    starts_at, ends_at = moment_of(event_id)
    return session.exec(
        select(UsageEvent).where(
            UsageEvent.organization_id == organization_id,
            UsageEvent.id == event_id,
            col(UsageEvent.timestamp) >= starts_at,
            col(UsageEvent.timestamp) < ends_at,
        )
    ).one_or_none()


def find_newest_correction(
    session: Session, organization_id: UUID, event_id: UUID
) -> UsageCorrection | None:
    """The correction that holds, or None."""
    return session.exec(
        select(UsageCorrection)
        .where(
            UsageCorrection.organization_id == organization_id,
            UsageCorrection.event_id == event_id,
        )
        .order_by(col(UsageCorrection.arrival_sequence).desc())
        .limit(1)
    ).one_or_none()


def draw_arrival_sequence(session: Session) -> int:
    """The next arrival sequence. Draw it under the customer's lock, in a statement of its own."""
    return int(session.execute(text("SELECT nextval('usage_arrival_sequence')")).scalar_one())


def insert_correction(session: Session, correction: UsageCorrection) -> None:
    """Store a correction."""
    session.add(correction)
    session.flush()
