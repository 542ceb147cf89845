"""What a timeline calls the things that happen to a subscription."""

from __future__ import annotations

from enum import StrEnum


class Happening(StrEnum):
    """One thing that happened, or will. Stored, so a member may be added and never changed."""

    CREATED = "created"
    TRIAL_ENDED = "trial_ended"
    PAUSED = "paused"
    RESUMED = "resumed"
    PLAN_CHANGED = "plan_changed"
    ADD_ON_ATTACHED = "add_on_attached"
    ADD_ON_CHANGED = "add_on_changed"
    ADD_ON_ENDED = "add_on_ended"
    CHANGE_APPLIED = "change_applied"
    CHANGE_REFUSED = "change_refused"
    CANCELED = "canceled"
    PERIOD_CLOSED = "period_closed"
    OVERDUE_BILLED = "overdue_billed"
    INVOICE_DRAFTED = "invoice_drafted"
    INVOICE_FINALIZED = "invoice_finalized"
    PAYMENT_DUE = "payment_due"
    PAST_DUE = "past_due"
    LATE_USAGE_SETTLED = "late_usage_settled"
    CORRECTION_CUT = "correction_cut"
    CREDIT_RETURNED = "credit_returned"
    CREDIT_GRANTED = "credit_granted"
    NEEDS_ATTENTION = "needs_attention"
    BILL_RETRIED = "bill_retried"
    BILL_SKIPPED = "bill_skipped"
