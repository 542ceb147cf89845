"""What the last check found, kept: looking at it costs nothing, however much there is to check."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from models.coverage_checks import CoverageCheck
from repositories.operations import kept_coverage as stored
from services.operations.coverage import Coverage
from services.operations.findings import Finding, FindingKind, parked_findings

MOST_KEPT: Final = 1_000
"""So many findings of a check are kept; how many there were is kept besides."""

_INSTANTS: Final = {"period_start", "period_end"}
_IDS: Final = {"subscription_id", "invoice_id", "customer_id", "meter_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestCoverage:
    """What a check found at an instant, and the bills that wait for people now.

    ``total`` is how many findings there are; ``coverage`` has the first of them.
    """

    coverage: Coverage
    total: int
    owners_checked: bool
    checked_at: datetime


def keep_coverage(
    session: Session,
    organization_id: UUID,
    found: Coverage,
    *,
    owners_checked: bool,
    now: datetime,
) -> None:
    """What was found is what the newest check says. Idempotent."""
    lasting = [one for one in found.findings if one.kind is not FindingKind.NEEDS_ATTENTION]
    outcome = CoverageCheck(
        organization_id=organization_id,
        checked_at=now,
        subscriptions=found.subscriptions,
        owners_checked=owners_checked,
        total=len(lasting),
        findings=[_written(one) for one in lasting[:MOST_KEPT]],
    )
    stored.write_outcome(session, outcome)


def find_kept_coverage(session: Session, organization_id: UUID) -> LatestCoverage | None:
    """What the newest check found; None where there was none yet.

    Bills that wait for people are those that wait now, so one that was tried again is gone.
    """
    kept = stored.find_outcome(session, organization_id)
    if kept is None:
        return None
    parked = parked_findings(session, organization_id)
    findings = (*parked, *(_read(one) for one in kept.findings))
    return LatestCoverage(
        coverage=Coverage(subscriptions=kept.subscriptions, findings=findings),
        total=kept.total + len(parked),
        owners_checked=kept.owners_checked,
        checked_at=kept.checked_at,
    )


def _written(finding: Finding) -> dict[str, Any]:
    """A finding as it is kept: what it is not about is left out."""
    said = {name: value for name, value in asdict(finding).items() if value is not None}
    return {
        name: value.isoformat() if isinstance(value, datetime) else _plain(value)
        for name, value in said.items()
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value


def _read(kept: dict[str, Any]) -> Finding:
    names = {one.name for one in fields(Finding)}
    said = {name: value for name, value in kept.items() if name in names}
    for name in said.keys() & _INSTANTS:
        said[name] = datetime.fromisoformat(said[name])
    for name in said.keys() & _IDS:
        said[name] = UUID(said[name])
    return Finding(**said | {"kind": FindingKind(said["kind"])})
