"""Entries of an audit log, and the chain that binds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from billing.audit_log.chain import BEGINNING, Link, link_entry

SELLER, PLAN = UUID(int=1), UUID(int=9)


@dataclass(slots=True, kw_only=True)
class Change:
    """One entry of a log."""

    id: UUID
    organization_id: UUID = SELLER
    at: datetime = datetime(2025, 1, 1, tzinfo=UTC)
    actor: str = "user:7"
    action: str = "plan.updated"
    object_type: str = "plan"
    object_id: UUID | None = PLAN
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = field(default_factory=lambda: {"name": "Pro"})
    request_id: str | None = "r-1"


def chain(*entries: Change) -> list[Link]:
    """The entries as they are bound, one to the other."""
    links, head = [], BEGINNING
    for entry in entries:
        after = link_entry(entry, head)
        assert after.digest is not None
        links.append(
            Link(
                position=after.position,
                entry_id=entry.id,
                previous_digest=head.digest,
                digest=after.digest,
                entry=entry,
            )
        )
        head = after
    return links
