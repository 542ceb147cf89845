"""The outcome of the newest check of an organization."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from models.coverage_checks import CoverageCheck


def write_outcome(session: Session, check: CoverageCheck) -> None:
    """The outcome replaces that of the check before; what is older than it changes nothing."""
    values: dict[str, Any] = check.model_dump()
    statement = insert(CoverageCheck).values(values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["organization_id"],
            set_={name: statement.excluded[name] for name in values if name != "organization_id"},
            where=statement.excluded["checked_at"] >= CoverageCheck.checked_at,
        )
    )


def find_outcome(session: Session, organization_id: UUID) -> CoverageCheck | None:
    """The outcome of the newest check; None where there was none."""
    return session.get(CoverageCheck, organization_id, populate_existing=True)
