"""Names, inputs and results of every activity: ids, instants, counts and digests, never amounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from billing.payments.dunning import CollectionState
from billing.subscriptions import WorkflowState

Request = TypeVar("Request")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionReference:
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
    """The workflow has performed all that was due up to this instant of the test clock."""

    organization_id: str
    subscription_id: str
    through: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionReference:
    """Which invoice is collected."""

    organization_id: str
    invoice_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRequest:
    """One entry of an invoice's schedule, to be performed."""

    organization_id: str
    invoice_id: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRequest:
    """A try to charge a saved method."""

    organization_id: str
    invoice_id: str
    payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """What one step of a bill left behind: the digest of its row, and a few words for people."""

    digest: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageDone:
    """How many subscriptions were looked at, what was wrong, and how many workflows were woken."""

    subscriptions: int
    findings: int
    repaired: int


@dataclass(frozen=True, slots=True)
class Step(Generic[Request, Result]):
    """An activity: the name that histories hold, what it is asked with, and what it answers."""

    name: str
    request: type[Request]
    result: type[Result]


READ_AGENDA: Final = Step("read_agenda", SubscriptionReference, WorkflowState)
END_TRIAL: Final = Step("end_trial", ActionRequest, WorkflowState)
RESUME_SUBSCRIPTION: Final = Step("resume_subscription", ActionRequest, WorkflowState)
ROLL_PERIOD: Final = Step("roll_period", ActionRequest, WorkflowState)
QUERY_USAGE: Final = Step("query_usage", ActionRequest, StepDone)
AGGREGATE_USAGE: Final = Step("aggregate_usage", ActionRequest, StepDone)
PRICE_USAGE: Final = Step("price_usage", ActionRequest, StepDone)
ENFORCE_LIMITS: Final = Step("enforce_limits", ActionRequest, StepDone)
ISSUE_INVOICE: Final = Step("issue_invoice", ActionRequest, WorkflowState)
APPLY_CHANGE: Final = Step("apply_change", ActionRequest, WorkflowState)
FINALIZE_INVOICE: Final = Step("finalize_invoice", ActionRequest, WorkflowState)
MARK_PAST_DUE: Final = Step("mark_past_due", ActionRequest, WorkflowState)
SETTLE_LATE_USAGE: Final = Step("settle_late_usage", ActionRequest, WorkflowState)
RETURN_CREDIT: Final = Step("return_credit", ActionRequest, WorkflowState)
GRANT_CREDIT: Final = Step("grant_credit", ActionRequest, WorkflowState)
PARK_BILL: Final = Step("park_bill", ParkRequest, WorkflowState)
RECORD_PROGRESS: Final = Step("record_progress", ProgressRequest, WorkflowState)

READ_COLLECTION: Final = Step("read_collection", CollectionReference, CollectionState)
BEGIN_ATTEMPT: Final = Step("begin_attempt", CollectionRequest, CollectionState)
SEND_REMINDER: Final = Step("send_reminder", CollectionRequest, CollectionState)
END_COLLECTION: Final = Step("end_collection", CollectionRequest, CollectionState)
RECORD_COLLECTION_PROGRESS: Final = Step(
    "record_collection_progress", CollectionRequest, CollectionState
)
SETTLE_ATTEMPT: Final = Step("settle_attempt", AttemptRequest, CollectionState)

COLLECTION_STEPS: Final = (
    READ_COLLECTION,
    BEGIN_ATTEMPT,
    SEND_REMINDER,
    END_COLLECTION,
    RECORD_COLLECTION_PROGRESS,
    SETTLE_ATTEMPT,
)
"""Every step that a payment workflow may take; the last asks a gateway."""

CHECK_COVERAGE: Final = "audit_coverage"

BILL_STEPS: Final = (QUERY_USAGE, AGGREGATE_USAGE, PRICE_USAGE, ENFORCE_LIMITS)
"""What a bill goes through before its invoice is issued, in this order."""

CLOSING_STEPS: Final = (ROLL_PERIOD, *BILL_STEPS, ISSUE_INVOICE, FINALIZE_INVOICE)
"""What the end of a period asks for: many subscriptions wait for it at one moment."""

STEPS: Final = (
    READ_AGENDA,
    END_TRIAL,
    RESUME_SUBSCRIPTION,
    ROLL_PERIOD,
    *BILL_STEPS,
    ISSUE_INVOICE,
    APPLY_CHANGE,
    FINALIZE_INVOICE,
    MARK_PAST_DUE,
    SETTLE_LATE_USAGE,
    RETURN_CREDIT,
    GRANT_CREDIT,
    PARK_BILL,
    RECORD_PROGRESS,
)
"""Every step that a subscription's workflow may take."""
