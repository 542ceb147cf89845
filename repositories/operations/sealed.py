"""Rows that hold a sealed secret."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, SQLModel, select

from models.accounts.organizations import Organization


def lock_rows(
    session: Session, table: type[SQLModel], column: str, organization_id: UUID
) -> Sequence[SQLModel]:
    """The rows of an organization that have a secret in this column, locked."""
    columns = table.__table__.c  # type: ignore[attr-defined]  # of every class that is a table
    owning = columns["id" if table is Organization else "organization_id"]
    return session.exec(
        select(table)
        .where(owning == organization_id, columns[column].is_not(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
