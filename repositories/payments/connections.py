"""Connections to gateways."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

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


def find_newest(session: Session, organization_id: UUID) -> Connection | None:
    """The connection that makes links and charges: the newest that lives, or None."""
    return session.exec(
        select(Connection)
        .where(Connection.organization_id == organization_id, col(Connection.deleted_at).is_(None))
        .order_by(col(Connection.created_at).desc(), col(Connection.id).desc())
        .limit(1)
    ).first()


def list_connections(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[Connection], int]:
    """A page of connections that live, oldest first, and how many there are."""
    living = select(Connection).where(
        Connection.organization_id == organization_id, col(Connection.deleted_at).is_(None)
    )
    return read_page(session, living, offset=offset, limit=limit)
