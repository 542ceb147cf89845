"""The audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, tuple_
from sqlmodel import Session, col, select

from models.audit_log import AuditEntry


def insert_entry(session: Session, entry: AuditEntry) -> None:
    """Store one entry. It can never be changed."""
    session.add(entry)


def list_entries(
    session: Session,
    organization_id: UUID,
    *,
    before: tuple[datetime, UUID] | None = None,
    offset: int = 0,
    limit: int,
) -> Sequence[AuditEntry]:
    """Entries, newest first; those that follow ``before`` in that order if it is given."""
    matching = select(AuditEntry).where(AuditEntry.organization_id == organization_id)
    if before is not None:
        matching = matching.where(tuple_(col(AuditEntry.at), col(AuditEntry.id)) < before)
    ordered = matching.order_by(col(AuditEntry.at).desc(), col(AuditEntry.id).desc())
    return session.exec(ordered.offset(offset).limit(limit)).all()


def count_entries(session: Session, organization_id: UUID, *, at_most: int) -> int:
    """How many entries there are, counted no further than ``at_most``."""
    some = select(AuditEntry.id).where(AuditEntry.organization_id == organization_id).limit(at_most)
    return session.exec(select(func.count()).select_from(some.subquery())).one()
