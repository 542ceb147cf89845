"""Whether every subscription is covered: its periods tile its life, and a workflow runs it.

PostgreSQL is compared with itself here, and with the workflows that the engine says are running.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from repositories.operations import coverage as stored_coverage
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.audit_log import record
from services.corrections import credit_returns
from services.operations import document_findings
from services.operations import findings as findings_of
from services.operations.audit_findings import audit_findings
from services.operations.findings import Finding, FindingKind
from services.subscriptions import agenda, turns

REPAIRED = frozenset(
    {
        FindingKind.MISSING_WORKFLOW,
        FindingKind.MISSING_COLLECTION,
        FindingKind.OVERDUE_PERIOD,
        FindingKind.STUCK_DRAFT,
        FindingKind.LATE_USAGE_DUE,
        FindingKind.CREDIT_DUE,
    }
)
"""What heals when the workflow is woken, or started again, and credit that can go back at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many subscriptions need a workflow, and everything that is wrong."""

    subscriptions: int
    findings: tuple[Finding, ...]


def list_unfinished(session: Session, organization_id: UUID) -> list[UUID]:
    """The subscriptions for which something is left to happen."""
    return list(stored_coverage.list_unfinished(session, organization_id))


def check_coverage(
    session: Session, organization_id: UUID, running: Collection[UUID] | None, *, now: datetime
) -> Coverage:
    """Everything that contradicts "billed once, in order, on time" in an organization.

    ``running`` is whose workflows run, by their ids; None leaves that question out, because
    the engine is away. Raises nothing: what is wrong is the answer.
    """
    unfinished = list_unfinished(session, organization_id)
    findings = [
        *findings_of.workflow_findings(session, organization_id, unfinished, running, now=now),
        *findings_of.collection_findings(session, organization_id, running, now=now),
        *findings_of.period_findings(session, organization_id, now=now),
        *findings_of.unbilled_findings(session, organization_id),
        *findings_of.bill_findings(session, organization_id, now=now),
        *document_findings.document_findings(session, organization_id),
        *document_findings.receipt_findings(session, organization_id),
        *document_findings.number_findings(session, organization_id),
        *audit_findings(session, organization_id, now=now),
        *findings_of.usage_findings(session, organization_id, now=now),
        *findings_of.credit_findings(session, organization_id, now=now),
        *findings_of.prepaid_findings(session, organization_id),
    ]
    return Coverage(subscriptions=len(unfinished), findings=tuple(findings))


def repair(session: Session, organization_id: UUID, found: Coverage, *, now: datetime) -> int:
    """Workflows of what is missing or late are woken, or started; how many. Harmless to repeat.

    Credit of customers without a workflow goes back. The rest waits for people. What was
    repaired is in the audit log.
    """
    curable = [finding for finding in found.findings if finding.kind in REPAIRED]
    woken = {one.subscription_id for one in curable if one.subscription_id is not None}
    for subscription_id in sorted(woken):
        subscription = stored_subscriptions.find_subscription(
            session, organization_id, subscription_id
        )
        if subscription is not None:
            agenda.wake_workflow(session, subscription, now=now)
    collected = sorted(
        one.invoice_id
        for one in curable
        if one.kind is FindingKind.MISSING_COLLECTION and one.invoice_id is not None
    )
    turns.wake_collections(session, [(organization_id, one) for one in collected], now=now)
    returned = _return_credit(session, organization_id, curable, now=now)
    if woken or collected or returned:
        kinds = Counter(one.kind.value for one in curable)
        record(
            session,
            organization_id,
            "coverage.repaired",
            "organization",
            organization_id,
            after={"owners_told": len(woken) + len(collected), **kinds},
            now=now,
        )
    return len(woken) + len(collected) + returned


def _return_credit(
    session: Session, organization_id: UUID, curable: Sequence[Finding], *, now: datetime
) -> int:
    customers = sorted(
        one.customer_id
        for one in curable
        if one.kind is FindingKind.CREDIT_DUE and one.customer_id is not None
    )
    return sum(
        credit_returns.return_customer_credit(session, organization_id, one, at=now, now=now)
        for one in customers
    )
