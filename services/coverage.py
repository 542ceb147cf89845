"""Whether every subscription is covered: its periods tile its life, and somebody owns it.

PostgreSQL is compared with itself here, and with the owners that the engine says are running.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from repositories import coverage, document_checks, late_usage, subscriptions
from services import owners
from services.auditing import record
from services.unbilled_usage import list_unbilled

OVERDUE_AFTER = timedelta(minutes=10)
"""How late a bill or a message is before it is a finding; owners need seconds."""

MOST_UNBILLED_USAGES = 100
"""How much of the usage that no subscription charges is named; the list has all of it."""

YOUNG = timedelta(minutes=1)
"""How long a new subscription's owner may take to be seen."""


class FindingKind(StrEnum):
    """What is wrong."""

    MISSING_OWNER = "missing_owner"
    OVERDUE_PERIOD = "overdue_period"
    STUCK_DRAFT = "stuck_draft"
    GAP = "gap"
    NO_OPEN_PERIOD = "no_open_period"
    NEEDS_ATTENTION = "needs_attention"
    LATE_USAGE_DUE = "late_usage_due"
    UNBILLED = "unbilled"
    DOUBLE_BILLED = "double_billed"
    MISSING_INVOICE = "missing_invoice"
    PERIOD_MOVED = "period_moved"
    AMOUNT_CHANGED = "amount_changed"
    EVIDENCE_CHANGED = "evidence_changed"
    STATUS_CHANGED = "status_changed"
    ACCOUNT_CHANGED = "account_changed"
    UNBILLED_USAGE = "unbilled_usage"
    OLD_MESSAGES = "old_messages"


REPAIRED_BY_TELLING = frozenset(
    {
        FindingKind.MISSING_OWNER,
        FindingKind.OVERDUE_PERIOD,
        FindingKind.STUCK_DRAFT,
        FindingKind.LATE_USAGE_DUE,
    }
)
"""What heals when the owner is told, or started, again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, with the ids involved and a sentence for people."""

    kind: FindingKind
    detail: str
    subscription_id: UUID | None = None
    period_index: int | None = None
    invoice_id: UUID | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    customer_id: UUID | None = None
    meter_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many subscriptions need an owner, and everything that is wrong."""

    subscriptions: int
    findings: tuple[Finding, ...]


def list_owned(session: Session, organization_id: UUID) -> list[UUID]:
    """The subscriptions for which something is left to happen."""
    return list(coverage.list_owned(session, organization_id))


def check_coverage(
    session: Session, organization_id: UUID, running: Collection[UUID] | None, *, now: datetime
) -> Coverage:
    """Everything that contradicts "billed once, in order, on time" in an organization.

    ``running`` are the subscriptions whose owners run; None leaves that question out, because the
    engine is away. Raises nothing: what is wrong is the answer.
    """
    owned = list_owned(session, organization_id)
    findings = [
        *_owner_findings(session, organization_id, owned, running, now=now),
        *_period_findings(session, organization_id, now=now),
        *_bill_findings(session, organization_id, now=now),
        *_document_findings(session, organization_id),
        *_usage_findings(session, organization_id, now=now),
    ]
    return Coverage(subscriptions=len(owned), findings=tuple(findings))


def repair(session: Session, organization_id: UUID, found: Coverage, *, now: datetime) -> int:
    """Owners of what is missing or late are told again, or started; how many. Harmless to repeat.

    The rest waits for people. What was repaired is in the audit log.
    """
    curable = [finding for finding in found.findings if finding.kind in REPAIRED_BY_TELLING]
    wanted = {one.subscription_id for one in curable if one.subscription_id is not None}
    for subscription_id in sorted(wanted):
        subscription = subscriptions.find_subscription(session, organization_id, subscription_id)
        if subscription is not None:
            owners.tell_owner(session, subscription, now=now)
    if wanted:
        kinds = Counter(one.kind.value for one in curable)
        record(
            session,
            organization_id,
            "coverage.repaired",
            "organization",
            organization_id,
            after={"owners_told": len(wanted), **kinds},
            now=now,
        )
    return len(wanted)


def _owner_findings(
    session: Session,
    organization_id: UUID,
    owned: Collection[UUID],
    running: Collection[UUID] | None,
    *,
    now: datetime,
) -> list[Finding]:
    if running is None:
        return []
    expected = coverage.list_told_since(session, organization_id, now - YOUNG)
    return [
        Finding(
            kind=FindingKind.MISSING_OWNER,
            detail="No workflow owns the subscription.",
            subscription_id=subscription_id,
        )
        for subscription_id in owned
        if subscription_id not in running and subscription_id not in expected
    ]


def _period_findings(session: Session, organization_id: UUID, *, now: datetime) -> list[Finding]:
    gaps = [
        Finding(
            kind=FindingKind.GAP,
            detail=f"Period {index} does not begin where what came before it ends.",
            subscription_id=subscription_id,
            period_index=index,
        )
        for subscription_id, index in coverage.list_gaps(session, organization_id)
    ]
    short = [
        Finding(
            kind=FindingKind.GAP,
            detail=f"Period {index} is the last, but does not end with the current period.",
            subscription_id=subscription_id,
            period_index=index,
        )
        for subscription_id, index in coverage.list_short_tilings(session, organization_id)
    ]
    idle = [
        Finding(
            kind=FindingKind.NO_OPEN_PERIOD,
            detail="The subscription runs, but none of its periods does.",
            subscription_id=subscription_id,
        )
        for subscription_id in coverage.list_without_period(session, organization_id)
    ]
    overdue = [
        Finding(
            kind=FindingKind.OVERDUE_PERIOD,
            detail=f"Period {index} has ended and has no draft.",
            subscription_id=subscription_id,
            period_index=index,
        )
        for subscription_id, index in coverage.list_overdue_periods(
            session, organization_id, before=now - OVERDUE_AFTER
        )
    ]
    unbilled = [
        Finding(
            kind=FindingKind.UNBILLED,
            detail=f"The draft of period {period.index} was deleted; generate-invoice bills it.",
            subscription_id=period.subscription_id,
            period_index=period.index,
            period_start=period.starts_at,
            period_end=period.ends_at,
        )
        for period in coverage.list_unbilled(session, organization_id)
    ]
    return [*gaps, *short, *idle, *overdue, *unbilled]


def _bill_findings(session: Session, organization_id: UUID, *, now: datetime) -> list[Finding]:
    before = now - OVERDUE_AFTER
    stuck = [
        Finding(
            kind=FindingKind.STUCK_DRAFT,
            detail="The grace of the draft is over, but it is not final.",
            subscription_id=subscription_id,
            invoice_id=invoice_id,
        )
        for subscription_id, invoice_id in coverage.list_stuck_drafts(
            session, organization_id, before=before
        )
    ]
    parked = [
        Finding(
            kind=FindingKind.NEEDS_ATTENTION,
            detail=f"{period.parked_step}: {period.parked_reason}",
            subscription_id=period.subscription_id,
            period_index=period.index,
        )
        for period in coverage.list_parked(session, organization_id)
    ]
    late = [
        Finding(
            kind=FindingKind.LATE_USAGE_DUE,
            detail=f"Usage of period {index} changed after its invoice, and no document says so.",
            subscription_id=subscription_id,
            period_index=index,
        )
        for subscription_id, index in late_usage.list_due_before(session, organization_id, before)
    ]
    count = coverage.count_old_messages(session, organization_id, before=before)
    waiting = [
        Finding(kind=FindingKind.OLD_MESSAGES, detail=f"{count} messages wait to be delivered.")
    ]
    return [*stuck, *parked, *late, *(waiting if count else [])]


def _document_findings(session: Session, organization_id: UUID) -> list[Finding]:
    """Documents that somebody changed behind our back; people must look at them."""
    return [
        Finding(
            kind=FindingKind(kind),
            detail=found.detail,
            subscription_id=found.subscription_id,
            period_index=found.period_index,
            invoice_id=found.invoice_id,
        )
        for kind, found in document_checks.list_contradictions(session, organization_id)
    ]


def _usage_findings(session: Session, organization_id: UUID, *, now: datetime) -> list[Finding]:
    found = list_unbilled(session, organization_id, after=None, limit=MOST_UNBILLED_USAGES, now=now)
    return [
        Finding(
            kind=FindingKind.UNBILLED_USAGE,
            detail=f"No subscription charges {one.event_count} events of the last 35 days.",
            customer_id=one.customer_id,
            meter_id=one.meter_id,
        )
        for one in found.usages
    ]
