"""Everything that can be found wrong with an organization's subscriptions, bills and accounts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from repositories import customer_accounts as stored_customer_accounts
from repositories.invoicing import late_usage as stored_late_usage
from repositories.operations import coverage as stored_coverage
from repositories.payments import collections as stored_collections
from services.credits import checks as credit_checks
from services.customer_accounts import RETURNED_AFTER
from services.usage.unbilled import list_unbilled

OVERDUE_AFTER = timedelta(minutes=10)
"""How late a bill or a message is before it is a finding; workflows need seconds.

Bills of a subscription are late if for so long none of them was closed, made or set aside either:
one that begins far in the past is at work on them, and takes minutes for a thousand.
"""

MOST_UNBILLED_USAGES = 100
"""How much of the usage that no subscription charges is named; the list has all of it."""

YOUNG = timedelta(minutes=1)
"""How long a new subscription's workflow may take to be seen."""


class FindingKind(StrEnum):
    """What is wrong."""

    MISSING_WORKFLOW = "missing_owner"
    MISSING_COLLECTION = "missing_collection"
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
    RECEIPT_MISSING = "receipt_missing"
    NUMBER_GAP = "number_gap"
    AUDIT_LOG_CHANGED = "audit_log_changed"
    UNBILLED_USAGE = "unbilled_usage"
    CREDIT_DUE = "credit_due"
    CREDIT_CHANGED = "credit_changed"
    OLD_MESSAGES = "old_messages"


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


def workflow_findings(
    session: Session,
    organization_id: UUID,
    unfinished: Collection[UUID],
    running: Collection[UUID] | None,
    *,
    now: datetime,
) -> list[Finding]:
    """Subscriptions with something left to happen that no workflow does."""
    if running is None:
        return []
    expected = stored_coverage.list_woken_since(session, organization_id, now - YOUNG)
    unseen = [one for one in unfinished if one not in running and one not in expected]
    # The engine's list loses sight of a workflow for a moment when it goes on as a new run.
    progressing = stored_coverage.list_progressing(
        session, organization_id, unseen, since=now - YOUNG, now=now
    )
    return [
        Finding(
            kind=FindingKind.MISSING_WORKFLOW,
            detail="The subscription has no workflow.",
            subscription_id=subscription_id,
        )
        for subscription_id in unseen
        if subscription_id not in progressing
    ]


def collection_findings(
    session: Session, organization_id: UUID, running: Collection[UUID] | None, *, now: datetime
) -> list[Finding]:
    """Invoices that are collected by no workflow."""
    if running is None:
        return []
    expected = stored_coverage.list_woken_since(session, organization_id, now - YOUNG)
    return [
        Finding(
            kind=FindingKind.MISSING_COLLECTION,
            detail="The invoice is to be collected and has no workflow.",
            invoice_id=invoice_id,
        )
        for invoice_id in stored_collections.list_active(
            session, organization_id, made_before=now - YOUNG
        )
        if invoice_id not in running and invoice_id not in expected
    ]


def period_findings(session: Session, organization_id: UUID, *, now: datetime) -> list[Finding]:
    """Periods that do not tile a subscription's life, or have no bill."""
    gaps = [
        Finding(
            kind=FindingKind.GAP,
            detail=f"Period {index} does not begin where what came before it ends.",
            subscription_id=subscription_id,
            period_index=index,
        )
        for subscription_id, index in stored_coverage.list_gaps(session, organization_id)
    ]
    short = [
        Finding(
            kind=FindingKind.GAP,
            detail=f"Period {index} is the last, but does not end with the current period.",
            subscription_id=subscription_id,
            period_index=index,
        )
        for subscription_id, index in stored_coverage.list_short_tilings(session, organization_id)
    ]
    idle = [
        Finding(
            kind=FindingKind.NO_OPEN_PERIOD,
            detail="The subscription runs, but none of its periods does.",
            subscription_id=subscription_id,
        )
        for subscription_id in stored_coverage.list_without_period(session, organization_id)
    ]
    return [*gaps, *short, *idle, *_overdue_findings(session, organization_id, now=now)]


def _overdue_findings(session: Session, organization_id: UUID, *, now: datetime) -> list[Finding]:
    before = now - OVERDUE_AFTER
    overdue = stored_coverage.list_overdue_periods(session, organization_id, before=before)
    late = {subscription_id for subscription_id, _ in overdue}
    progressing = stored_coverage.list_progressing(
        session, organization_id, late, since=before, now=now
    )
    return [
        Finding(
            kind=FindingKind.OVERDUE_PERIOD,
            detail=f"Period {index} has ended and has no draft.",
            subscription_id=subscription_id,
            period_index=index,
        )
        for subscription_id, index in overdue
        if subscription_id not in progressing
    ]


def unbilled_findings(session: Session, organization_id: UUID) -> list[Finding]:
    """Periods whose draft was deleted, which nobody bills by themselves (CONTRACT 94)."""
    return [
        Finding(
            kind=FindingKind.UNBILLED,
            detail=f"The draft of period {period.index} was deleted; generate-invoice bills it.",
            subscription_id=period.subscription_id,
            period_index=period.index,
            period_start=period.starts_at,
            period_end=period.ends_at,
            customer_id=customer_id,
        )
        for period, customer_id in stored_coverage.list_unbilled(session, organization_id)
    ]


def bill_findings(session: Session, organization_id: UUID, *, now: datetime) -> list[Finding]:
    """Drafts, differences and messages that wait for too long, and bills that wait for people."""
    before = now - OVERDUE_AFTER
    stuck = [
        Finding(
            kind=FindingKind.STUCK_DRAFT,
            detail="The grace of the draft is over, but it is not final.",
            subscription_id=subscription_id,
            invoice_id=invoice_id,
        )
        for subscription_id, invoice_id in stored_coverage.list_stuck_drafts(
            session, organization_id, before=before
        )
    ]
    late = [
        Finding(
            kind=FindingKind.LATE_USAGE_DUE,
            detail=f"Usage of period {index} changed after its invoice, and no document says so.",
            subscription_id=subscription_id,
            period_index=index,
        )
        for subscription_id, index in stored_late_usage.list_due_before(
            session, organization_id, before
        )
    ]
    count = stored_coverage.count_old_messages(session, organization_id, before=before)
    waiting = [
        Finding(kind=FindingKind.OLD_MESSAGES, detail=f"{count} messages wait to be delivered.")
    ]
    parked = parked_findings(session, organization_id)
    return [*stuck, *parked, *late, *(waiting if count else [])]


def parked_findings(session: Session, organization_id: UUID) -> list[Finding]:
    """Bills that were set aside and wait for people."""
    return [
        Finding(
            kind=FindingKind.NEEDS_ATTENTION,
            detail=f"{period.parked_step}: {period.parked_reason}",
            subscription_id=period.subscription_id,
            period_index=period.index,
        )
        for period in stored_coverage.list_parked(session, organization_id)
    ]


def usage_findings(session: Session, organization_id: UUID, *, now: datetime) -> list[Finding]:
    """Usage that no subscription charges."""
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


def credit_findings(session: Session, organization_id: UUID, *, now: datetime) -> list[Finding]:
    """Credit that should have gone back to its customers."""
    ended_before = now - RETURNED_AFTER - OVERDUE_AFTER
    return [
        Finding(
            kind=FindingKind.CREDIT_DUE,
            detail="No subscription has lived for 30 days, and credit is left on the account.",
            customer_id=customer_id,
        )
        for customer_id in stored_customer_accounts.list_overdue_returns(
            session, organization_id, ended_before
        )
    ]


def prepaid_findings(session: Session, organization_id: UUID) -> list[Finding]:
    """Prepaid credit whose ledger contradicts itself; people must look at it."""
    return [
        Finding(
            kind=FindingKind.CREDIT_CHANGED,
            detail=one.detail,
            customer_id=one.customer_id,
            invoice_id=one.invoice_id,
        )
        for one in credit_checks.list_findings(session, organization_id)
    ]
