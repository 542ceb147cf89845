"""What gateways told, and disputes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from models.payments.events import Dispute, GatewayEventRow

_FORGET_BODIES: Final = text(
    """
    WITH old AS (
        SELECT organization_id, id FROM gateway_event
        WHERE organization_id = ANY(CAST(:organizations AS uuid[])) AND received_at < :before
            AND body IS NOT NULL AND status <> 'received'
        LIMIT :at_most FOR UPDATE SKIP LOCKED
    ),
    forgotten AS (
        UPDATE gateway_event AS event SET body = NULL, content = '{}'
        FROM old WHERE event.organization_id = old.organization_id AND event.id = old.id
        RETURNING 1
    )
    SELECT count(*) FROM forgotten
    """
)


def insert_event(session: Session, event: GatewayEventRow) -> bool:
    """Store an event; whether it was not told before. Idempotent by connection and event id."""
    stored = session.execute(
        insert(GatewayEventRow)
        .values(event.model_dump())
        .on_conflict_do_nothing(constraint="uq_gateway_event_event_id")
        .returning(col(GatewayEventRow.id))
    )
    return stored.first() is not None


def find_event(session: Session, organization_id: UUID, event_id: UUID) -> GatewayEventRow | None:
    """The event, or None."""
    return session.get(GatewayEventRow, (organization_id, event_id))


def lock_event(session: Session, organization_id: UUID, event_id: UUID) -> GatewayEventRow | None:
    """The event with its row locked, or None. It is locked before any invoice."""
    return session.exec(
        select(GatewayEventRow)
        .where(GatewayEventRow.organization_id == organization_id, GatewayEventRow.id == event_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def forget_bodies(
    session: Session, organization_ids: Sequence[UUID], *, before: datetime, at_most: int
) -> int:
    """Events of these organizations that were received before then have no body any more.

    Those that are still to be worked on keep it. How many there were: fewer than ``at_most`` where
    none is left. Who forgets at the same time skips them.
    """
    values = {"organizations": list(organization_ids), "before": before, "at_most": at_most}
    forgotten: int = session.connection().execute(_FORGET_BODIES, values).scalar_one()
    return forgotten


def list_events(
    session: Session,
    organization_id: UUID,
    *,
    status: str | None,
    connection_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    offset: int,
    limit: int,
) -> Sequence[GatewayEventRow]:
    """Events, newest first; those that follow ``before`` in that order if it is given."""
    matching = _matching(organization_id, status, connection_id)
    received = (col(GatewayEventRow.received_at), col(GatewayEventRow.id))
    if before is not None:
        matching = matching.where(tuple_(*received) < before)
    ordered = matching.order_by(*(one.desc() for one in received))
    return session.exec(ordered.offset(offset).limit(limit)).all()


def count_events(
    session: Session,
    organization_id: UUID,
    *,
    status: str | None,
    connection_id: UUID | None,
    at_most: int,
) -> int:
    """How many events there are, counted no further than ``at_most``."""
    some = _matching(organization_id, status, connection_id).limit(at_most)
    return session.exec(select(func.count()).select_from(some.subquery())).one()


def _matching(
    organization_id: UUID, status: str | None, connection_id: UUID | None
) -> SelectOfScalar[GatewayEventRow]:
    matching = select(GatewayEventRow).where(GatewayEventRow.organization_id == organization_id)
    if status is not None:
        matching = matching.where(GatewayEventRow.status == status)
    if connection_id is not None:
        matching = matching.where(GatewayEventRow.connection_id == connection_id)
    return matching


def lock_dispute(
    session: Session, organization_id: UUID, connection_id: UUID, reference: str
) -> Dispute | None:
    """The dispute that a gateway calls so, with its row locked, or None."""
    return session.exec(
        select(Dispute)
        .where(
            Dispute.organization_id == organization_id,
            Dispute.connection_id == connection_id,
            Dispute.reference == reference,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
