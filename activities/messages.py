"""Names, inputs and results of every activity: ids, instants, counts and digests, never amounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

READ_AGENDA = "read_agenda"
END_TRIAL = "end_trial"
RESUME_SUBSCRIPTION = "resume_subscription"
ROLL_PERIOD = "roll_period"
QUERY_USAGE = "query_usage"
AGGREGATE_USAGE = "aggregate_usage"
PRICE_USAGE = "price_usage"
ENFORCE_LIMITS = "enforce_limits"
ISSUE_INVOICE = "issue_invoice"
APPLY_CHANGE = "apply_change"
FINALIZE_INVOICE = "finalize_invoice"
MARK_PAST_DUE = "mark_past_due"
SETTLE_LATE_USAGE = "settle_late_usage"
RETURN_CREDIT = "return_credit"
PARK_BILL = "park_bill"
RECORD_PROGRESS = "record_progress"
AUDIT_COVERAGE = "audit_coverage"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerReference:
    """Which subscription."""

    organization_id: str
    subscription_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """One entry of the agenda, to be performed for a subscription."""

    organization_id: str
    subscription_id: str
    due_at: datetime
    period_index: int | None = None
    invoice_id: str | None = None
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkRequest:
    """A bill that cannot go on, at which step and why."""

    organization_id: str
    subscription_id: str
    due_at: datetime
    period_index: int | None
    invoice_id: str | None
    step: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressRequest:
    """The owner has performed all that was due up to this instant of the test clock."""

    organization_id: str
    subscription_id: str
    through: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """What one step of a bill left behind: the digest of its row, and a few words for people."""

    digest: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditDone:
    """How many subscriptions were looked at, what was wrong, and how many owners were told."""

    subscriptions: int
    findings: int
    repaired: int
