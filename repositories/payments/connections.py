"""Connections to gateways."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from models.payments.connections import Connection
from repositories.pages import read_page


def find_connection(
    session: Session, organization_id: UUID, connection_id: UUID
) -> Connection | None:
    """The connection, or None. Deleted ones are included: what was begun there goes on."""
    return session.get(Connection, (organization_id, connection_id))


def lock_connection(
    session: Session, organization_id: UUID, connection_id: UUID
) -> Connection | None:
    """The connection with its row locked, or None. Deleted ones are included."""
    return session.exec(
        select(Connection)
        .where(Connection.organization_id == organization_id, Connection.id == connection_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def find_newest(session: Session, organization_ids: Collection[UUID]) -> Sequence[Connection]:
    """The connection of each organization that makes links and charges: its newest that lives."""
    of = col(Connection.organization_id)
    return session.exec(
        select(Connection)
        .where(of.in_(organization_ids), col(Connection.deleted_at).is_(None))
        .ext(distinct_on(of))
        .order_by(of, col(Connection.created_at).desc(), col(Connection.id).desc())
    ).all()


def list_connections(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[Connection], int]:
    """A page of connections that live, oldest first, and how many there are."""
    living = select(Connection).where(
        Connection.organization_id == organization_id, col(Connection.deleted_at).is_(None)
    )
    return read_page(session, living, offset=offset, limit=limit)
