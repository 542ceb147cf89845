"""The audit log on the wire (CONTRACT section 6)."""

from __future__ import annotations

from uuid import UUID

from api.schemas.common import Moment, View
from api.schemas.free_form import AnyObject
from models.audit_log import AuditEntry
from services.operations.coverage import Coverage
from services.operations.findings import FindingKind


class AuditEntryView(View):
    """Who did what to which thing, and what it looked like before and after."""

    id: UUID
    at: Moment
    actor: str
    action: str
    object_type: str
    object_id: UUID | None
    before: AnyObject | None
    after: AnyObject | None
    request_id: str | None


def view_audit_entry(entry: AuditEntry) -> AuditEntryView:
    """The entry as the API shows it."""
    return AuditEntryView.model_validate(entry, from_attributes=True)


class FindingView(View):
    """One thing that is wrong: with a subscription, or usage that none of them charges."""

    kind: FindingKind
    detail: str
    subscription_id: UUID | None
    period_index: int | None
    invoice_id: UUID | None
    period_start: Moment | None
    period_end: Moment | None
    customer_id: UUID | None
    meter_id: UUID | None


class CoverageView(View):
    """How many subscriptions have something left to happen, and what is wrong.

    ``owners_checked`` is false while Temporal is away: then nothing is said of workflows.
    """

    subscriptions: int
    findings: list[FindingView]
    owners_checked: bool


def view_coverage(coverage: Coverage, *, owners_checked: bool) -> CoverageView:
    """The coverage as the API shows it."""
    return CoverageView(
        subscriptions=coverage.subscriptions,
        findings=[
            FindingView.model_validate(finding, from_attributes=True)
            for finding in coverage.findings
        ],
        owners_checked=owners_checked,
    )
