"""Start a subscription and read it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from billing.date_limits import LONGEST_PLAN, BackdatingLimit, require_between, require_few_missed
from billing.errors import Conflict, InvalidInput
from billing.notifications.events import WebhookEvent
from billing.periods import (
    Alignment,
    Anchor,
    Cadence,
    Interval,
    Period,
    as_utc,
    find_zone,
    index_containing,
    period,
    regular_period,
)
from billing.rating.terms import VersionPolicy
from billing.subscriptions import SubscriptionStatus
from billing.timeline import Happening
from models.base import new_id
from models.catalog.plans import Plan
from models.customers import Customer
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories import customers as stored_customers
from repositories.accounts import organizations as stored_organizations
from repositories.catalog import plans as stored_plans
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.announcements import announce_subscription
from services.catalog import meter_claims
from services.required import require_customer, require_plan, require_subscription
from services.subscriptions import agenda, clocks
from services.subscriptions.audit_state import record_creation
from services.subscriptions.period_versions import version_to_open

STANDARD_BACKDATING_LIMIT = BackdatingLimit()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSubscription:
    """A customer subscribes to a plan.

    ``trial_end_date`` counts only if ``has_own_trial``; otherwise the plan's ``trial_days`` do
    (CONTRACT 40: null means no trial, absent means the plan's).
    """

    customer_id: UUID
    plan_id: UUID
    start_date: datetime
    billing_interval: str | None = None
    has_own_trial: bool = False
    trial_end_date: datetime | None = None
    timezone: str | None = None
    billing_anchor: Alignment = Alignment.START
    version_policy: VersionPolicy = VersionPolicy.LATEST


def create_subscription(
    session: Session,
    organization_id: UUID,
    command: CreateSubscription,
    *,
    backdating: BackdatingLimit = STANDARD_BACKDATING_LIMIT,
    now: datetime,
) -> Subscription:
    """The subscription exists with its first period, and its workflow is woken to start.

    Raises NotFound for an unknown customer or plan, Conflict for an inactive plan, an advancing
    clock or a meter that another of the customer's subscriptions charges meanwhile (CONTRACT 80,
    86), InvalidInput for an interval that is not the plan's, and for dates too far from the
    customer's present (CONTRACT 87).
    """
    customer = _lock_customer(session, organization_id, command.customer_id)
    plan = _get_plan_for_sale(session, organization_id, command)
    clocks.require_still(session, organization_id, customer.test_clock_id)
    present = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    start = as_utc(command.start_date, field="start_date")
    backdating.require_start(start, now=present)
    subscription = _build(session, organization_id, command, customer, plan, now=now)
    require_few_missed(anchor_of(subscription), cadence_of(subscription), now=present)
    session.add(subscription)
    session.flush()
    if subscription.status == SubscriptionStatus.ACTIVE:
        open_first_period(session, subscription)
    meter_claims.claim_onwards(
        session, subscription, since=subscription.start_date, field="plan_id"
    )
    stored_actions.insert_action(
        session, subscription, Happening.CREATED, at=subscription.start_date, recorded_at=now
    )
    announce_subscription(
        session, subscription, WebhookEvent.SUBSCRIPTION_CREATED, at=present, now=now
    )
    agenda.wake_workflow(session, subscription, now=now)
    record_creation(session, subscription, now=now)
    return subscription


def get_subscription(
    session: Session, organization_id: UUID, subscription_id: UUID
) -> Subscription:
    """The subscription, unless it is deleted. Raises NotFound."""
    return require_subscription(
        stored_subscriptions.find_subscription(session, organization_id, subscription_id)
    )


def lock_existing(session: Session, organization_id: UUID, subscription_id: UUID) -> Subscription:
    """The subscription, unless deleted, with its row locked. Raises NotFound."""
    return require_subscription(
        stored_subscriptions.lock_subscription(session, organization_id, subscription_id)
    )


def anchor_of(subscription: Subscription) -> Anchor:
    """The anchor from which the subscription's periods are counted."""
    return Anchor(
        starts_at=subscription.anchor_at,
        timezone=subscription.timezone,
        alignment=Alignment(subscription.billing_anchor),
    )


def cadence_of(subscription: Subscription) -> Cadence:
    """How long the subscription's periods are."""
    return Cadence(
        interval=Interval(subscription.billing_interval),
        count=subscription.billing_interval_count,
    )


def open_first_period(session: Session, subscription: Subscription) -> SubscriptionPeriod:
    """Store the first period, which starts at the anchor."""
    starts_at = subscription.anchor_at
    version = version_to_open(session, subscription, begins_at=starts_at)
    opened = open_period(session, subscription, index=0, starts_at=starts_at, version=version)
    session.flush()
    return opened


def open_period(
    session: Session,
    subscription: Subscription,
    *,
    index: int,
    starts_at: datetime,
    version: int,
    follows: SubscriptionPeriod | None = None,
) -> SubscriptionPeriod:
    """Store the period from ``starts_at`` to the next regular boundary, with the next flush.

    The boundary is counted from the anchor.
    One that ``follows`` a whole period is whole itself, also where the rules of its zone have
    changed since that one was opened, so that its bounds are no longer those of today's rules.
    """
    anchor, cadence = anchor_of(subscription), cadence_of(subscription)
    ordinal = index_containing(anchor, cadence, starts_at)
    regular = regular_period(anchor, cadence, ordinal)
    if follows is not None and follows.anchor_at == subscription.anchor_at:
        ordinal = max(ordinal, follows.ordinal + 1)
        regular = Period(starts_at=starts_at, ends_at=period(anchor, cadence, ordinal).ends_at)
    opened = SubscriptionPeriod(
        organization_id=subscription.organization_id,
        subscription_id=subscription.id,
        index=index,
        ordinal=ordinal,
        anchor_at=subscription.anchor_at,
        starts_at=starts_at,
        ends_at=regular.ends_at,
        regular_starts_at=regular.starts_at,
        regular_ends_at=regular.ends_at,
        plan_id=subscription.plan_id,
        plan_version=version,
    )
    session.add(opened)
    subscription.current_period_index = index
    subscription.current_period_start = starts_at
    subscription.current_period_end = regular.ends_at
    session.add(subscription)
    return opened


def span_of(stored: SubscriptionPeriod) -> Period:
    """The stored period as a value."""
    return Period(starts_at=stored.starts_at, ends_at=stored.ends_at)


def _lock_customer(session: Session, organization_id: UUID, customer_id: UUID) -> Customer:
    # Locked, so that two subscriptions of one customer are checked against each other.
    return require_customer(
        stored_customers.lock_customer(session, organization_id, customer_id), field="customer_id"
    )


def _get_plan_for_sale(
    session: Session, organization_id: UUID, command: CreateSubscription
) -> Plan:
    # Shared, so that the plan is neither edited nor deleted in the instant of subscribing.
    plan = require_plan(
        stored_plans.lock_plan(session, organization_id, command.plan_id, share=True),
        field="plan_id",
    )
    if not plan.is_active:
        raise Conflict(
            "The plan is not active: it takes no new subscriptions.",
            code="plan_inactive",
            field="plan_id",
        )
    if command.billing_interval not in (None, plan.billing_interval):
        raise InvalidInput(
            f"The plan bills by {plan.billing_interval}.",
            code="billing_interval_differs",
            field="billing_interval",
        )
    return plan


def _build(
    session: Session,
    organization_id: UUID,
    command: CreateSubscription,
    customer: Customer,
    plan: Plan,
    *,
    now: datetime,
) -> Subscription:
    organization = stored_organizations.get_organization(session, organization_id)
    timezone = command.timezone or organization.timezone
    find_zone(timezone, field="timezone")
    start = as_utc(command.start_date, field="start_date")
    trial_end = _trial_end(command, plan, start)
    anchor = Anchor(starts_at=trial_end or start, timezone=timezone)
    first = period(
        Anchor(starts_at=start, timezone=timezone, alignment=command.billing_anchor),
        Cadence(interval=Interval(plan.billing_interval), count=plan.billing_interval_count),
        0,
    )
    return Subscription(
        organization_id=organization_id,
        id=new_id(),
        customer_id=customer.id,
        plan_id=plan.id,
        version_policy=command.version_policy,
        plan_version=plan.version if command.version_policy == VersionPolicy.PINNED else None,
        status=SubscriptionStatus.ACTIVE if trial_end is None else SubscriptionStatus.TRIAL,
        timezone=timezone,
        billing_interval=plan.billing_interval,
        billing_interval_count=plan.billing_interval_count,
        billing_anchor=command.billing_anchor,
        anchor_at=anchor.starts_at,
        start_date=start,
        trial_end_date=trial_end,
        current_period_start=first.starts_at,
        current_period_end=first.ends_at,
        test_clock_id=customer.test_clock_id,
        created_at=now,
    )


def _trial_end(command: CreateSubscription, plan: Plan, start: datetime) -> datetime | None:
    if not command.has_own_trial:
        return start + timedelta(days=plan.trial_days) if plan.trial_days else None
    if command.trial_end_date is None:
        return None
    trial_end = as_utc(command.trial_end_date, field="trial_end_date")
    if trial_end <= start:
        raise InvalidInput(
            "trial_end_date must be after start_date; send null for no trial.",
            code="trial_ends_before_start",
            field="trial_end_date",
        )
    require_between(trial_end, start, start + LONGEST_PLAN, field="trial_end_date")
    return trial_end
