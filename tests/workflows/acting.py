"""Performs an entry of the agenda by calling the activities, without Temporal in between."""

from __future__ import annotations

from activities.messages import ActionRequest
from activities.subscriptions import SubscriptionActivities
from billing.subscriptions import Action, AgendaEntry, WorkflowState


def perform_entry(
    activities: SubscriptionActivities,
    organization_id: str,
    subscription_id: str,
    entry: AgendaEntry,
) -> WorkflowState:
    """Do what the workflow does for the entry; the state after it."""
    request = ActionRequest(
        organization_id=organization_id,
        subscription_id=subscription_id,
        due_at=entry.due_at,
        period_index=entry.period_index,
        invoice_id=entry.invoice_id,
        revision=entry.revision,
    )
    if entry.action is Action.BILL_PERIOD:
        activities.query_usage(request)
        activities.aggregate_usage(request)
        activities.price_usage(request)
        activities.enforce_limits(request)
        return activities.issue_invoice(request)
    return {
        Action.END_TRIAL: activities.end_trial,
        Action.RESUME: activities.resume_subscription,
        Action.CLOSE_PERIOD: activities.roll_period,
        Action.APPLY_CHANGE: activities.apply_change,
        Action.FINALIZE_INVOICE: activities.finalize_invoice,
        Action.PAYMENT_DUE: activities.mark_past_due,
        Action.SETTLE_LATE_USAGE: activities.settle_late_usage,
        Action.RETURN_CREDIT: activities.return_credit,
    }[entry.action](request)
