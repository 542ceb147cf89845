"""What can be found wrong with an organization's audit log, a part of it at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from repositories import audit_links as stored_audit_links
from services.audit_chain import check_part
from services.operations.findings import Finding, FindingKind

AT_ONCE: Final = 1_000
"""How many of the newest entries are looked at, and how many of all, in turn."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def audit_findings(session: Session, organization_id: UUID, *, now: datetime) -> list[Finding]:
    """The first broken link among the newest entries and among those whose turn it is this hour.

    Whatever is in the log has its turn; ``fluxrate audit verify`` reads all of it at once.
    """
    end = stored_audit_links.find_end(session, organization_id).head.position
    turns = -(-end // AT_ONCE) or 1
    hours = (now - _EPOCH) // timedelta(hours=1)
    starts = {hours % turns * AT_ONCE, max(0, end - AT_ONCE)}
    for start in sorted(starts):
        broken = check_part(session, organization_id, after=start, limit=AT_ONCE).broken
        if broken is not None:
            where = "An entry" if broken.position is None else f"Position {broken.position}"
            named = "" if broken.entry_id is None else f", {broken.entry_id}"
            detail = f"{where}{named}: {broken.detail} ({broken.fault.value})"
            return [Finding(kind=FindingKind.AUDIT_LOG_CHANGED, detail=detail)]
    return []
