"""What gateways told, and disputes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from models.payments.events import Dispute, GatewayEventRow


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


def list_disputes(
    session: Session, organization_id: UUID, payment_ids: Sequence[UUID]
) -> Sequence[Dispute]:
    """The disputes of these payments, the oldest first."""
    return session.exec(
        select(Dispute)
        .where(Dispute.organization_id == organization_id, col(Dispute.payment_id).in_(payment_ids))
        .order_by(col(Dispute.at), col(Dispute.id))
    ).all()
