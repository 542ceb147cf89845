"""The chain of the audit log: its links, and where it ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, and_, col, select

from billing.audit_log.chain import BEGINNING, Head, Link
from models.audit_log import AuditEntry, AuditLink
from repositories.array_text import array, optional
from repositories.audit_log import EVERY, Filter

_LOCK: Final = text(
    """
    SELECT organization_id, last_position, last_digest FROM audit_chain
    WHERE organization_id = ANY (CAST(:organizations AS uuid[]))
    ORDER BY organization_id FOR UPDATE
    """
)

_BEGIN: Final = text(
    """
    INSERT INTO audit_chain (organization_id, last_position, linked_before, created_at)
    SELECT organization_id, 0, 0, :begun_at
    FROM unnest(CAST(:organizations AS uuid[])) AS organization_id
    ORDER BY organization_id ON CONFLICT DO NOTHING
    """
)

# Links and ends by one statement: whoever waits for the lock waits for one answer less.
_INSERT: Final = text(
    """
    WITH new AS (
        SELECT * FROM unnest(CAST(:organizations AS uuid[]), CAST(:positions AS bigint[]),
            CAST(:entries AS uuid[]), CAST(:previous AS text[]), CAST(:digests AS text[]))
            AS new (organization_id, position, entry_id, previous_digest, digest)
    ), linked AS (
        INSERT INTO audit_link (organization_id, position, entry_id, previous_digest, digest)
        SELECT organization_id, position, entry_id, previous_digest, digest FROM new
    )
    UPDATE audit_chain SET last_position = last.position, last_digest = last.digest
    FROM (
        SELECT DISTINCT ON (organization_id) organization_id, position, digest FROM new
        ORDER BY organization_id, position DESC
    ) AS last
    WHERE audit_chain.organization_id = last.organization_id
    """
)

_FIND_END: Final = text(
    """
    SELECT last_position, last_digest, linked_before FROM audit_chain
    WHERE organization_id = :organization_id
    """
)

_FIND_UNLINKED: Final = text(
    """
    SELECT entry.id FROM audit_entry AS entry
    LEFT JOIN audit_link AS link ON link.organization_id = entry.organization_id
        AND link.entry_id = entry.id
    WHERE entry.organization_id = :organization_id AND link.entry_id IS NULL
    ORDER BY entry.at, entry.id LIMIT :limit
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """Where a chain ends, and how many entries stood in the log when it began."""

    head: Head
    linked_before: int


def lock_chains(
    session: Session, organization_ids: Collection[UUID], *, begun_at: datetime
) -> dict[UUID, Head]:
    """Where each chain ends; until the transaction ends nobody else adds to them.

    Locked in the order of the organizations. One that has none yet begins now.
    """
    wanted = {"organizations": array(str(one) for one in sorted(organization_ids))}
    found = session.execute(_LOCK, wanted).all()
    if len(found) < len(organization_ids):
        session.execute(_BEGIN, {**wanted, "begun_at": begun_at})
        found = session.execute(_LOCK, wanted).all()
    return {row[0]: Head(position=row[1], digest=row[2]) for row in found}


def insert_links(session: Session, links: Sequence[AuditLink]) -> None:
    """Add links, each organization's in its order, and move the ends of their chains.

    The caller has locked the chains and written the entries.
    """
    session.execute(
        _INSERT,
        {
            "organizations": array(str(one.organization_id) for one in links),
            "positions": array(str(one.position) for one in links),
            "entries": array(str(one.entry_id) for one in links),
            "previous": array(optional(one.previous_digest) for one in links),
            "digests": array(one.digest for one in links),
        },
    )


def find_end(session: Session, organization_id: UUID) -> ChainEnd:
    """Where the chain of an organization ends, as it is now."""
    row = session.execute(_FIND_END, {"organization_id": organization_id}).one_or_none()
    if row is None:
        return ChainEnd(head=BEGINNING, linked_before=0)
    return ChainEnd(head=Head(position=row[0], digest=row[1]), linked_before=row[2])


def find_head(session: Session, organization_id: UUID, position: int) -> Head | None:
    """The head of a chain as it was at a position, None where no link is there."""
    if position == 0:
        return BEGINNING
    digest = session.exec(
        select(AuditLink.digest).where(
            AuditLink.organization_id == organization_id, AuditLink.position == position
        )
    ).one_or_none()
    return None if digest is None else Head(position=position, digest=digest)


def list_links(
    session: Session, organization_id: UUID, wanted: Filter = EVERY, *, after: int, limit: int
) -> Sequence[Link]:
    """The links behind a position in their order, with their entries, as far as they are there.

    Those of ``wanted`` entries alone where it asks for anything.
    """
    entry_of = and_(
        col(AuditEntry.organization_id) == col(AuditLink.organization_id),
        col(AuditEntry.id) == col(AuditLink.entry_id),
    )
    rows = session.exec(
        select(AuditLink, AuditEntry)
        .join(AuditEntry, entry_of, isouter=True)
        .where(
            AuditLink.organization_id == organization_id,
            col(AuditLink.position) > after,
            *wanted.conditions(),
        )
        .order_by(col(AuditLink.position))
        .limit(limit)
    )
    return [
        Link(
            position=link.position,
            entry_id=link.entry_id,
            previous_digest=link.previous_digest,
            digest=link.digest,
            entry=entry,
        )
        for link, entry in rows
    ]


def list_unlinked(session: Session, organization_id: UUID, *, limit: int) -> Sequence[UUID]:
    """Entries without a place in the chain, oldest first. Reads all of the organization's."""
    keys = {"organization_id": organization_id, "limit": limit}
    return session.execute(_FIND_UNLINKED, keys).scalars().all()
