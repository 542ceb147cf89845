"""Performs an entry of the agenda by calling the activities, without Temporal in between."""

from __future__ import annotations

from activities import declarations
from activities.declarations import ActionRequest, Result, Step
from activities.subscriptions import SubscriptionActivities
from billing.subscriptions import Action, AgendaEntry, WorkflowState
from workflows.subscription import SINGLE_STEPS

STATE_STEPS = {**SINGLE_STEPS, Action.BILL_PERIOD: declarations.ISSUE_INVOICE}
"""The step of each action that ends with a new state."""


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
        for step in declarations.BILL_STEPS:
            perform_step(activities, step, request)
    return perform_step(activities, STATE_STEPS[entry.action], request)


def perform_step(
    activities: SubscriptionActivities, step: Step[ActionRequest, Result], request: ActionRequest
) -> Result:
    """One step, as a worker does it for a caller who waits alone."""
    if step not in declarations.CLOSING_STEPS:
        result: Result = getattr(activities, step.name)(request)
        return result
    [answer] = activities.closing.perform(step, [request])
    if isinstance(answer, Exception):
        raise answer
    return answer
