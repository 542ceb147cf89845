"""Roll-ups are a cache of the events: proved against them, or written anew from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from repositories.usage import rollups as stored_rollups
from repositories.usage.properties import rollups as stored_groups
from repositories.usage.rollups import RollupDifference

SHOWN_DIFFERENCES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupVerdict:
    """Whether an organization's roll-ups are what its events come to.

    ``differences`` are the first hundred hours that are not.
    """

    rollup_count: int
    event_count: int
    differences: Sequence[RollupDifference]

    @property
    def is_equal(self) -> bool:
        """Whether every figure agrees to the last digit."""
        return not self.differences


def look_at_events(session: Session) -> None:
    """PostgreSQL finds out how the events of all organizations are spread.

    Aggregating millions of them takes half the time after it. The first event of a new month waits
    meanwhile, no other does.
    """
    stored_rollups.analyze_events(session)


def verify_rollups(session: Session, organization_id: UUID) -> RollupVerdict:
    """Compare every roll-up with the events it stands for. Holds no writer up."""
    differences = [
        *stored_rollups.list_differences(session, organization_id, limit=SHOWN_DIFFERENCES),
        *stored_groups.list_differences(session, organization_id, limit=SHOWN_DIFFERENCES),
    ]
    rollup_count, event_count = stored_rollups.count_rollups(session, organization_id)
    return RollupVerdict(
        rollup_count=rollup_count,
        event_count=event_count,
        differences=differences[:SHOWN_DIFFERENCES],
    )


def rebuild_rollups(session: Session, organization_id: UUID) -> int:
    """Every roll-up is written anew from the events; how many there are.

    The organization's events wait meanwhile. Idempotent: a second run changes nothing.
    """
    stored_rollups.lock_all_arrivals(session, organization_id)
    stored_groups.write_all(session, organization_id)
    return stored_rollups.write_rollups(session, organization_id)
