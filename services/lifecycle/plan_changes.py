"""Another plan for a subscription: now, with a bill of what ran, or at the period's end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidInput, InvalidTransition
from billing.invoicing.invoices import InvoiceTotals
from billing.pending_changes import ChangeAction, PendingChange
from billing.periods import Alignment, Period
from billing.subscriptions import SubscriptionStatus, has_ended
from models.catalog.plans import Plan
from models.subscriptions.subscriptions import Subscription
from repositories.catalog import plans as stored_plans
from services.audit_log import record
from services.catalog import meter_claims
from services.invoicing import previews
from services.invoicing.commitments.asked import Ending
from services.lifecycle import catching_up
from services.lifecycle.changes import begin_change, lock_for_change, must_wait
from services.rating import steps
from services.required import require_plan
from services.subscriptions import agenda, period_versions, periods
from services.subscriptions.period_versions import version_to_open
from services.subscriptions.start import open_period


def change_plan(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    plan_id: UUID,
    *,
    at_period_end: bool,
    restarts_cycle: bool = False,
    now: datetime,
) -> Subscription:
    """The subscription is on the plan, or will be from its period's end.

    ``now`` closes the running period at this instant and opens one that runs to the regular
    boundary, or a whole one if the cycle is restarted, from which later ones are counted; then it
    may be the plan that it is on. In a trial only the plan is replaced. The bill of what ran exists
    then; with too many missed periods before it the change is pending instead. Idempotent: the plan
    that it is on already, or is to change to already, changes nothing; a cycle that begins at this
    instant is not restarted. Raises InvalidInput for a restart at the period's end, or of periods
    that the calendar counts. Source: CONTRACT 22, 52, 89.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    _require_anchor(subscription, at_period_end=at_period_end, restarts_cycle=restarts_cycle)
    wanted = PendingChange(
        action=ChangeAction.CHANGE_PLAN,
        at=present,
        at_period_end=at_period_end,
        restarts_cycle=restarts_cycle,
        plan_id=str(plan_id),
    )
    if must_wait(session, subscription, wanted, now=now):
        _require_alive(subscription)
        _get_plan(session, subscription, plan_id)
        return subscription
    put_on_plan(session, subscription, plan_id, wanted, now=now)
    catching_up.bill_closed(session, subscription, now=now)
    return subscription


def put_on_plan(
    session: Session,
    subscription: Subscription,
    plan_id: UUID,
    change: PendingChange,
    *,
    now: datetime,
) -> None:
    """As :func:`change_plan`, as of the change and under the lock; what ran is to be billed."""
    _require_alive(subscription)
    plan = _get_plan(session, subscription, plan_id)
    begins_anyway = subscription.anchor_at == change.at or not change.restarts_cycle
    if change.at_period_end:
        wanted = None if plan.id == subscription.plan_id else plan.id
        if subscription.next_plan_id == wanted:
            return
        subscription.next_plan_id = wanted
        session.add(subscription)
        meter_claims.claim_onwards(session, subscription, field="plan_id")
    elif subscription.plan_id == plan.id and subscription.next_plan_id is None and begins_anyway:
        return
    else:
        _change_now(session, subscription, plan, change, now=now)
    session.flush()
    record(
        session,
        subscription.organization_id,
        "subscription.plan_changed",
        "subscription",
        subscription.id,
        after=_said(plan, change),
        now=now,
    )
    agenda.wake_workflow(session, subscription, now=now)


def preview_change(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    plan_id: UUID,
    *,
    at_period_end: bool,
    restarts_cycle: bool = False,
    now: datetime,
) -> InvoiceTotals | None:
    """What a change would bill at once, for the part that ran. Nothing changes.

    None where it bills nothing at once: at the period's end, or before anything ran.
    """
    subscription, present = lock_for_change(session, organization_id, subscription_id, now=now)
    _require_anchor(subscription, at_period_end=at_period_end, restarts_cycle=restarts_cycle)
    _require_alive(subscription)
    plan = _get_plan(session, subscription, plan_id)
    stored = periods.find_open_period(session, subscription)
    nothing_yet = stored is None or stored.starts_at >= present
    goes_on = plan.id == subscription.plan_id and not restarts_cycle
    if at_period_end or nothing_yet or goes_on:
        return None
    assert stored is not None
    span = Period(starts_at=stored.starts_at, ends_at=present)
    rated = steps.look_at_span(session, subscription, stored, span)
    # A cycle that restarts on the same plan goes on with its commitments, another plan ends them.
    ending = Ending.REGULAR if plan.id == subscription.plan_id else Ending.PLAN
    return previews.total_span(session, subscription, stored, rated, ending=ending)


def _change_now(
    session: Session,
    subscription: Subscription,
    plan: Plan,
    change: PendingChange,
    *,
    now: datetime,
) -> None:
    at = change.at
    stored = periods.find_open_period(session, subscription)
    if stored is None:
        period_versions.switch_plan(session, subscription, plan.id, at=at, now=now)
        since = max(at, subscription.start_date)
        meter_claims.claim_onwards(session, subscription, since=since, field="plan_id")
        return
    starts_at, index, steps_billed = max(at, stored.starts_at), stored.index, stored.threshold_steps
    closed = periods.cut_period(session, subscription, at=at, now=now)
    period_versions.switch_plan(session, subscription, plan.id, at=at, now=now)
    if change.restarts_cycle:
        subscription.anchor_at = starts_at
    part_of = None if change.restarts_cycle else closed
    opened = open_period(
        session,
        subscription,
        index=index if closed is None else index + 1,
        starts_at=starts_at,
        version=version_to_open(session, subscription, part_of=part_of),
    )
    if closed is None:
        # It is the same period, begun anew: what was invoiced of it at a threshold counts for it.
        opened.threshold_steps = steps_billed
    meter_claims.claim_onwards(session, subscription, since=starts_at, field="plan_id")


def _said(plan: Plan, change: PendingChange) -> dict[str, object]:
    said: dict[str, object] = {"plan_id": plan.id}
    said["when"] = "period_end" if change.at_period_end else "now"
    return {**said, "anchor": "now"} if change.restarts_cycle else said


def _require_anchor(
    subscription: Subscription, *, at_period_end: bool, restarts_cycle: bool
) -> None:
    if restarts_cycle and at_period_end:
        raise InvalidInput(
            "The cycle restarts now, or goes on: at the period's end it begins anyway.",
            code="anchor_at_period_end",
            field="anchor",
        )
    if restarts_cycle and subscription.billing_anchor == Alignment.CALENDAR:
        raise InvalidInput(
            "The periods of this subscription are those of the calendar.",
            code="calendar_anchor",
            field="anchor",
        )


def _require_alive(subscription: Subscription) -> None:
    if has_ended(subscription.status) or subscription.status == SubscriptionStatus.PAUSED:
        raise InvalidTransition(
            f"A subscription that is {subscription.status} cannot change its plan."
        )


def _get_plan(session: Session, subscription: Subscription, plan_id: UUID) -> Plan:
    # Shared, so that the plan is neither edited nor deleted in the instant of the change.
    plan = require_plan(
        stored_plans.lock_plan(session, subscription.organization_id, plan_id, share=True),
        field="plan_id",
    )
    if plan.id == subscription.plan_id:
        return plan
    if not plan.is_active:
        raise Conflict("The plan is not active.", code="plan_inactive", field="plan_id")
    former = stored_plans.find_plan(session, subscription.organization_id, subscription.plan_id)
    if former is not None and former.currency != plan.currency:
        raise InvalidInput(
            f"The plan bills in {plan.currency}, the subscription in {former.currency}.",
            code="currency_differs",
            field="plan_id",
        )
    return plan
