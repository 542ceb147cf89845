"""The audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, tuple_
from sqlmodel import Session, col, select

from models.audit_log import AuditEntry, AuditLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are meant: those that have all of what is given, in ``[since, until)``."""

    actor: str | None = None
    action: str | None = None
    object_type: str | None = None
    object_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same, on ``audit_entry``."""
        at = col(AuditEntry.at)
        equal = {
            AuditEntry.actor: self.actor,
            AuditEntry.action: self.action,
            AuditEntry.object_type: self.object_type,
            AuditEntry.object_id: self.object_id,
        }
        return [
            *(col(column) == value for column, value in equal.items() if value is not None),
            *([at >= self.since] if self.since is not None else []),
            *([at < self.until] if self.until is not None else []),
        ]


EVERY: Final = Filter()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedEntry:
    """An entry with its place in the chain, None of one that has none."""

    entry: AuditEntry
    link: AuditLink | None


def insert_entry(session: Session, entry: AuditEntry) -> None:
    """Store one entry. It can never be changed."""
    session.add(entry)


def list_entries(
    session: Session,
    organization_id: UUID,
    wanted: Filter = EVERY,
    *,
    before: tuple[datetime, UUID] | None = None,
    offset: int = 0,
    limit: int,
) -> Sequence[PlacedEntry]:
    """Entries, newest first; those that follow ``before`` in that order if it is given."""
    link_of = and_(
        col(AuditLink.organization_id) == col(AuditEntry.organization_id),
        col(AuditLink.entry_id) == col(AuditEntry.id),
    )
    matching = (
        select(AuditEntry, AuditLink)
        .join(AuditLink, link_of, isouter=True)
        .where(AuditEntry.organization_id == organization_id, *wanted.conditions())
    )
    if before is not None:
        matching = matching.where(tuple_(col(AuditEntry.at), col(AuditEntry.id)) < before)
    ordered = matching.order_by(col(AuditEntry.at).desc(), col(AuditEntry.id).desc())
    rows = session.exec(ordered.offset(offset).limit(limit))
    return [PlacedEntry(entry=entry, link=link) for entry, link in rows]


def list_of_object(
    session: Session, organization_id: UUID, object_id: UUID, action: str
) -> Sequence[AuditEntry]:
    """Every time that this was done to this thing, oldest first."""
    wanted = Filter(object_id=object_id, action=action)
    matching = select(AuditEntry).where(
        AuditEntry.organization_id == organization_id, *wanted.conditions()
    )
    return session.exec(matching.order_by(col(AuditEntry.at), col(AuditEntry.id))).all()


def is_recorded(session: Session, organization_id: UUID, object_id: UUID) -> bool:
    """Whether any entry is of this thing."""
    of_it = select(AuditEntry.id).where(
        AuditEntry.organization_id == organization_id, AuditEntry.object_id == object_id
    )
    return session.exec(of_it.limit(1)).first() is not None


def list_by_id(
    session: Session, organization_id: UUID, entry_ids: Sequence[UUID]
) -> Sequence[AuditEntry]:
    """These entries, oldest first."""
    matching = select(AuditEntry).where(
        AuditEntry.organization_id == organization_id, col(AuditEntry.id).in_(entry_ids)
    )
    return session.exec(matching.order_by(col(AuditEntry.at), col(AuditEntry.id))).all()


def count_entries(
    session: Session, organization_id: UUID, wanted: Filter = EVERY, *, at_most: int
) -> int:
    """How many entries there are, counted no further than ``at_most``."""
    matching = select(AuditEntry.id).where(
        AuditEntry.organization_id == organization_id, *wanted.conditions()
    )
    some = matching.limit(at_most)
    return session.exec(select(func.count()).select_from(some.subquery())).one()
