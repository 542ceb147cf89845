"""Listing raw usage events, newest first, with what corrected them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from billing.metering.corrections import CorrectionKind
from models.usage.events import UsageCorrection, UsageEvent, UsageEventKey


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSelection:
    """Which events are wanted; None leaves a condition out. The span is half-open.

    ``through`` is an arrival sequence: later arrivals are left out; ``changed_after`` another: what
    neither arrived nor was corrected after it is.
    """

    idempotency_key: str | None = None
    meter_id: UUID | None = None
    customer_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    late: bool | None = None
    counted: bool | None = None
    voided: bool | None = None
    changed_after: int | None = None
    through: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPosition:
    """Where an event stands in the list."""

    timestamp: datetime
    event_id: UUID


def list_events(
    session: Session,
    organization_id: UUID,
    selection: EventSelection,
    *,
    after: EventPosition | None,
    offset: int,
    limit: int,
) -> Sequence[UsageEvent]:
    """The events selected, newest first, that stand behind ``after``."""
    conditions = _conditions(organization_id, selection)
    timestamp, identifier = col(UsageEvent.timestamp), col(UsageEvent.id)
    if after is not None:
        # The plain comparison lets the partitions behind be left out; rows alone do not.
        conditions.append(timestamp <= after.timestamp)
        conditions.append(tuple_(timestamp, identifier) < tuple_(after.timestamp, after.event_id))
    return session.exec(
        select(UsageEvent)
        .where(*conditions)
        .order_by(timestamp.desc(), identifier.desc())
        .offset(offset)
        .limit(limit)
    ).all()


def count_events(
    session: Session, organization_id: UUID, selection: EventSelection, *, limit: int
) -> int:
    """How many events are selected, counted no further than ``limit``."""
    found = (
        select(UsageEvent.id)
        .where(*_conditions(organization_id, selection))
        .limit(limit)
        .subquery()
    )
    return session.exec(select(func.count()).select_from(found)).one()


def list_newest_corrections(
    session: Session,
    organization_id: UUID,
    event_ids: Collection[UUID],
    *,
    through: int | None = None,
) -> dict[UUID, UsageCorrection]:
    """The correction that holds of each event that has one, by the event's id."""
    conditions = [
        col(UsageCorrection.organization_id) == organization_id,
        col(UsageCorrection.event_id).in_(event_ids),
    ]
    if through is not None:
        conditions.append(col(UsageCorrection.arrival_sequence) <= through)
    rows = session.exec(
        select(UsageCorrection)
        .where(*conditions)
        .ext(distinct_on(col(UsageCorrection.event_id)))
        .order_by(col(UsageCorrection.event_id), col(UsageCorrection.arrival_sequence).desc())
    )
    return {row.event_id: row for row in rows}


def _conditions(organization_id: UUID, selection: EventSelection) -> list[ColumnElement[bool]]:
    conditions = [col(UsageEvent.organization_id) == organization_id]
    if selection.idempotency_key is not None:
        conditions += _of_key(organization_id, selection.idempotency_key)
    if selection.meter_id is not None:
        conditions.append(col(UsageEvent.meter_id) == selection.meter_id)
    if selection.customer_id is not None:
        conditions.append(col(UsageEvent.customer_id) == selection.customer_id)
    if selection.starts_at is not None:
        conditions.append(col(UsageEvent.timestamp) >= selection.starts_at)
    if selection.ends_at is not None:
        conditions.append(col(UsageEvent.timestamp) < selection.ends_at)
    if selection.late is not None:
        # Bare, as in the partial index, which "IS true" would not be compared with.
        late = and_(col(UsageEvent.late))
        conditions.append(late if selection.late else not_(late))
    if selection.counted is not None:
        conditions.append(col(UsageEvent.counted).is_(selection.counted))
    conditions += _changes(selection)
    if selection.through is not None:
        conditions.append(col(UsageEvent.arrival_sequence) <= selection.through)
    return conditions


def _changes(selection: EventSelection) -> list[ColumnElement[bool]]:
    """What was done with an event since it came."""
    conditions: list[ColumnElement[bool]] = []
    if selection.voided is not None:
        voided = _corrected(selection, col(UsageCorrection.kind) == CorrectionKind.VOID)
        conditions.append(voided if selection.voided else not_(voided))
    if selection.changed_after is not None:
        conditions.append(
            or_(
                col(UsageEvent.arrival_sequence) > selection.changed_after,
                _corrected(
                    selection, col(UsageCorrection.arrival_sequence) > selection.changed_after
                ),
            )
        )
    return conditions


def _of_key(organization_id: UUID, key: str) -> list[ColumnElement[bool]]:
    """What holds of the one event of a key: each is an index's first column, or its row's.

    An event without a key is known by its id, which nobody gave it.
    """
    known = (
        col(UsageEventKey.organization_id) == organization_id,
        col(UsageEventKey.idempotency_key) == key,
    )
    return [
        col(UsageEvent.timestamp)
        == select(UsageEventKey.timestamp).where(*known).scalar_subquery(),
        col(UsageEvent.id) == select(UsageEventKey.event_id).where(*known).scalar_subquery(),
        col(UsageEvent.idempotency_key) == key,
    ]


def _corrected(selection: EventSelection, how: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the event has such a correction. A void is the last of its corrections."""
    conditions = [
        col(UsageCorrection.organization_id) == col(UsageEvent.organization_id),
        col(UsageCorrection.event_id) == col(UsageEvent.id),
        col(UsageCorrection.timestamp) == col(UsageEvent.timestamp),
        how,
    ]
    if selection.through is not None:
        conditions.append(col(UsageCorrection.arrival_sequence) <= selection.through)
    return exists().where(*conditions)
