"""Subscriptions on the wire (CONTRACT 2.10)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.catalog.plan_features import PlanFeatureCreate, PlanFeatureView
from api.schemas.common import (
    Instant,
    Moment,
    Money,
    NotNegative,
    Quantity,
    Schema,
    View,
    any_case,
)
from billing.pending_changes import ChangeAction
from billing.periods import Alignment, Interval
from billing.rating.terms import FeatureTerms, FeatureType, OverLimit, PlanTerms, VersionPolicy
from billing.subscriptions import SubscriptionStatus
from models.catalog.plans import Plan
from models.subscriptions.subscriptions import Subscription
from services.subscriptions.start import CreateSubscription
from services.subscriptions.stored_changes import change_of


class SubscriptionCreate(Schema):
    """A customer subscribes. ``trial_end_date`` null means no trial, absent the plan's."""

    customer_id: UUID
    """The customer who subscribes."""
    plan_id: UUID
    """The plan that they subscribe to."""
    start_date: Instant
    """When the first period begins, or the trial; at most 1,830 days ago."""
    billing_interval: Annotated[Interval, any_case(Interval)] | None = None
    """The plan's interval; no other is taken."""
    trial_end_date: Instant | None = None
    """When the trial ends; null for no trial, absent for the plan's."""
    timezone: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    """The IANA time zone, such as `Europe/Berlin`, in which periods begin and end; by default the
    organization's."""
    billing_anchor: Annotated[Alignment, any_case(Alignment)] = Alignment.START
    """Whether periods begin like the first one, or with the calendar's months, weeks or years."""
    version_policy: Annotated[VersionPolicy, any_case(VersionPolicy)] = VersionPolicy.LATEST
    """Whether later periods are billed by the newest version of the plan or by this one."""

    def command(self) -> CreateSubscription:
        """The command that the body stands for."""
        has_own_trial = "trial_end_date" in self.model_fields_set
        return self.fill(CreateSubscription, has_own_trial=has_own_trial)


class SubscriptionPatch(Schema):
    """Whether a subscription is billed as it runs, and at how much."""

    threshold_amount: NotNegative | None
    """How much may be unbilled, in major units of the plan's currency and above 0: once it is
    reached, an invoice bills it at once. Null ends that: periods are billed when they are over."""


class PendingChangeView(View):
    """What was asked for as of ``at``; it happens once the missed periods before it are billed."""

    action: ChangeAction
    """What it is that was asked for."""
    at: Moment
    """As of when it happens."""
    at_period_end: bool
    """Whether it happens with the end of the running period."""
    reason: str | None
    """Why; null where nobody says."""
    plan_id: UUID | None
    """The new plan; null where it stays."""
    resume_at: Moment | None
    """When billing goes on by itself; null where nothing was said."""


class SubscriptionView(View, like=(SubscriptionCreate,)):
    """A subscription; the plan's entitlements are added when a single one is read."""

    id: UUID
    customer_id: UUID
    customer_name: str
    """What the customer is called."""
    plan_id: UUID
    plan_name: str
    """What the plan is called."""
    version_policy: VersionPolicy
    version: int = Field(
        description="The version of the plan that its running period is billed by; in a trial the"
        " plan's newest, after its end that of its last period.",
        examples=[3],
    )
    plan_version: int = Field(
        description="The version that it is pinned to, or else the newest of its plan: what the"
        " next period is billed by if nothing is edited before.",
        examples=[4],
    )
    status: SubscriptionStatus
    """Its state."""
    billing_interval: Interval
    """The interval that a billing period is made of."""
    billing_interval_count: int
    """How many intervals a billing period has."""
    billing_anchor: Alignment
    timezone: str
    start_date: Moment
    """When it began, or will."""
    trial_end_date: Moment | None
    """When the trial ends or ended; null where there is none."""
    current_period_start: Moment
    """The begin of the running period, itself included."""
    current_period_end: Moment
    """The end of the running period, itself excluded."""
    last_invoiced_date: Moment | None
    """The end of the last period that was billed; null before any."""
    next_plan_id: UUID | None
    """The plan that it moves to with the end of the running period; null where it stays."""
    cancel_at_period_end: bool
    """Whether it ends with the running period."""
    canceled_at: Moment | None
    """When somebody canceled it; null where nobody did."""
    reason: str | None
    """Why it was canceled; null where nobody says."""
    ended_at: Moment | None
    """When it ended; null while it lives."""
    resume_at: Moment | None
    """When billing goes on by itself; null where it is not paused, or for nobody knows how long."""
    test_clock_id: UUID | None
    threshold_amount: Money | None
    """At how much that is unbilled an invoice bills the running period so far; null where it is
    billed when it is over."""
    pending_change: PendingChangeView | None
    """What was asked for and waits until missed periods are billed; null where nothing waits."""
    created_at: Moment


class GrantedFeatureView(View, like=(PlanFeatureView, PlanFeatureCreate)):
    """What the plan grants of a feature."""

    feature_id: UUID
    lookup_key: str
    """The feature's name for programs."""
    name: str
    """The feature's name for people."""
    feature_type: FeatureType
    """The kind of the feature."""
    is_enabled: bool
    usage_limit: Quantity | None
    usage_reset_period: Interval | None
    is_soft_limit: bool
    reject_over_limit: bool
    over_limit: OverLimit
    static_value: str | None


class SubscribedPlanView(View):
    """The version of the plan that the subscription has now."""

    id: UUID
    name: str
    """What the plan is called."""
    currency: str
    version: int
    """The version of the plan."""
    features: list[GrantedFeatureView]
    """What this version grants."""


class SubscriptionWithPlanView(SubscriptionView):
    """A subscription with what its plan grants."""

    plan: SubscribedPlanView
    """The plan, as the subscription has it now."""


def view_subscription(
    subscription: Subscription, plan: Plan, version: int, *, customer_name: str
) -> SubscriptionView:
    """The subscription as the API shows it."""
    return SubscriptionView(
        id=subscription.id,
        customer_id=subscription.customer_id,
        customer_name=customer_name,
        plan_id=subscription.plan_id,
        plan_name=plan.name,
        version_policy=VersionPolicy(subscription.version_policy),
        version=version,
        plan_version=subscription.plan_version or plan.version,
        status=SubscriptionStatus(subscription.status),
        billing_interval=Interval(subscription.billing_interval),
        billing_interval_count=subscription.billing_interval_count,
        billing_anchor=Alignment(subscription.billing_anchor),
        timezone=subscription.timezone,
        start_date=subscription.start_date,
        trial_end_date=subscription.trial_end_date,
        current_period_start=subscription.current_period_start,
        current_period_end=subscription.current_period_end,
        last_invoiced_date=subscription.last_invoiced_date,
        next_plan_id=subscription.next_plan_id,
        cancel_at_period_end=subscription.cancel_at_period_end,
        canceled_at=subscription.canceled_at,
        reason=subscription.cancel_reason,
        ended_at=subscription.ended_at,
        resume_at=subscription.resume_at,
        test_clock_id=subscription.test_clock_id,
        threshold_amount=subscription.threshold_amount,
        pending_change=view_change(subscription),
        created_at=subscription.created_at,
    )


def view_change(subscription: Subscription) -> PendingChangeView | None:
    """The subscription's pending change as the API shows it."""
    change = change_of(subscription)
    if change is None:
        return None
    return PendingChangeView(
        action=change.action,
        at=change.at,
        at_period_end=change.at_period_end,
        reason=change.reason,
        plan_id=None if change.plan_id is None else UUID(change.plan_id),
        resume_at=change.resume_at,
    )


def view_with_plan(view: SubscriptionView, terms: PlanTerms) -> SubscriptionWithPlanView:
    """The subscription with the terms that it has now."""
    plan = SubscribedPlanView(
        id=terms.plan_id,
        name=view.plan_name,
        currency=terms.currency,
        version=terms.version,
        features=[_view_granted(feature) for feature in terms.features],
    )
    shown = {name: getattr(view, name) for name in SubscriptionView.model_fields}
    return SubscriptionWithPlanView(**shown, plan=plan)


def _view_granted(feature: FeatureTerms) -> GrantedFeatureView:
    own = {name: getattr(feature, name, None) for name in GrantedFeatureView.model_fields}
    return GrantedFeatureView(**{**own, "feature_type": feature.type})
