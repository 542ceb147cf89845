"""Another plan for a subscription: now, with a bill of what ran, or at the period's end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, InvalidInput, InvalidTransition
from billing.invoicing.invoices import InvoiceLine
from billing.money import ZERO, find_currency
from billing.pending_changes import ChangeAction, PendingChange
from billing.periods import Period
from billing.subscriptions import SubscriptionStatus, has_ended
from models.catalog.plans import Plan
from models.subscriptions.subscriptions import Subscription
from repositories.catalog import plans as stored_plans
from services.audit_log import record
from services.catalog import meter_claims
from services.invoicing import previews
from services.lifecycle import catching_up
from services.lifecycle.changes import begin_change, lock_for_change, must_wait
from services.rating import steps
from services.required import require_plan
from services.subscriptions import agenda, period_versions, periods
from services.subscriptions.period_versions import version_to_open
from services.subscriptions.start import open_period


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChangePreview:
    """What a change would bill at once, and what it adds up to, in major units."""

    lines: tuple[InvoiceLine, ...]
    total: Decimal


def change_plan(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    plan_id: UUID,
    *,
    at_period_end: bool,
    now: datetime,
) -> Subscription:
    """The subscription is on the plan, or will be from its period's end.

    ``now`` closes the running period at this instant and opens one that runs to the regular
    boundary; in a trial only the plan is replaced. The bill of what ran exists then; with too many
    missed periods before it the change is pending instead. Idempotent: the plan that it is on
    already, or is to change to already, changes nothing. Source: CONTRACT 22, 52, 89.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    wanted = PendingChange(
        action=ChangeAction.CHANGE_PLAN,
        at=present,
        at_period_end=at_period_end,
        plan_id=str(plan_id),
    )
    if must_wait(session, subscription, wanted, now=now):
        _require_alive(subscription)
        _get_plan(session, subscription, plan_id)
        return subscription
    put_on_plan(session, subscription, plan_id, at_period_end=at_period_end, at=present, now=now)
    catching_up.bill_closed(session, subscription, now=now)
    return subscription


def put_on_plan(
    session: Session,
    subscription: Subscription,
    plan_id: UUID,
    *,
    at_period_end: bool,
    at: datetime,
    now: datetime,
) -> None:
    """As :func:`change_plan`, as of ``at`` and under the lock; what ran is to be billed."""
    _require_alive(subscription)
    plan = _get_plan(session, subscription, plan_id)
    if at_period_end:
        wanted = None if plan.id == subscription.plan_id else plan.id
        if subscription.next_plan_id == wanted:
            return
        subscription.next_plan_id = wanted
        session.add(subscription)
        meter_claims.claim_onwards(session, subscription, field="plan_id")
    elif subscription.plan_id == plan.id and subscription.next_plan_id is None:
        return
    else:
        _change_now(session, subscription, plan, at=at, now=now)
    session.flush()
    record(
        session,
        subscription.organization_id,
        "subscription.plan_changed",
        "subscription",
        subscription.id,
        after={"plan_id": plan.id, "when": "period_end" if at_period_end else "now"},
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
    now: datetime,
) -> PlanChangePreview:
    """The lines that a change would bill at once, for the part that ran. Nothing changes."""
    subscription, present = lock_for_change(session, organization_id, subscription_id, now=now)
    _require_alive(subscription)
    plan = _get_plan(session, subscription, plan_id)
    stored = periods.find_open_period(session, subscription)
    nothing_yet = stored is None or stored.starts_at >= present
    if at_period_end or nothing_yet or plan.id == subscription.plan_id:
        return PlanChangePreview(lines=(), total=find_currency(plan.currency).round(ZERO))
    assert stored is not None
    span = Period(starts_at=stored.starts_at, ends_at=present)
    rated = steps.look_at_span(session, subscription, stored, span)
    totals = previews.total_span(session, subscription, stored, rated)
    return PlanChangePreview(lines=totals.lines, total=totals.total)


def _change_now(
    session: Session, subscription: Subscription, plan: Plan, *, at: datetime, now: datetime
) -> None:
    stored = periods.find_open_period(session, subscription)
    if stored is None:
        period_versions.switch_plan(session, subscription, plan.id, at=at, now=now)
        since = max(at, subscription.start_date)
        meter_claims.claim_onwards(session, subscription, since=since, field="plan_id")
        return
    starts_at, index = max(at, stored.starts_at), stored.index
    closed = periods.cut_period(session, subscription, at=at, now=now)
    period_versions.switch_plan(session, subscription, plan.id, at=at, now=now)
    open_period(
        session,
        subscription,
        index=index if closed is None else index + 1,
        starts_at=starts_at,
        version=version_to_open(session, subscription, part_of=closed),
    )
    meter_claims.claim_onwards(session, subscription, since=starts_at, field="plan_id")


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
