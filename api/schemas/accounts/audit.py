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
    """When it was done."""
    actor: str
    """Who did it: a user, an API key, or the product itself."""
    action: str
    """What was done, such as `plan.updated`."""
    object_type: str
    """The kind of thing that it was done to."""
    object_id: UUID | None
    """The id of the thing; null where it has none."""
    before: AnyObject | None
    """What the thing looked like before; null where it was made."""
    after: AnyObject | None
    """What the thing looked like afterwards; null where it was deleted."""
    request_id: str | None
    """The `X-Request-ID` of the request; null where none asked for it."""


def view_audit_entry(entry: AuditEntry) -> AuditEntryView:
    """The entry as the API shows it."""
    return AuditEntryView.model_validate(entry, from_attributes=True)


class FindingView(View):
    """One thing that is wrong: with a subscription, or usage that none of them charges."""

    kind: FindingKind
    """What it is that is wrong."""
    detail: str
    """The same in words."""
    subscription_id: UUID | None
    """The subscription that it is about; null where it is about none."""
    period_index: int | None
    """The period that it is about, counted from 0; null where it is about none."""
    invoice_id: UUID | None
    """The invoice that it is about; null where it is about none."""
    period_start: Moment | None
    """The begin of what it is about, itself included; null where it is about no time."""
    period_end: Moment | None
    """The end of what it is about, itself excluded; null where it is about no time."""
    customer_id: UUID | None
    """The customer whose usage no subscription charges; null where it is about something else."""
    meter_id: UUID | None
    """The meter that no subscription charges; null where it is about something else."""


class CoverageView(View):
    """How many subscriptions have something left to happen, and what is wrong.

    ``owners_checked`` is false while Temporal is away: then nothing is said of workflows.
    """

    subscriptions: int
    """How many subscriptions have something left to happen."""
    findings: list[FindingView]
    """What is wrong; empty where all is well."""
    owners_checked: bool
    """Whether workflows were looked at; false while Temporal is away."""


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
