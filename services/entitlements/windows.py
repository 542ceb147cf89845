"""Which plan version a live subscription grants features by, and in which window usage counts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from billing.entitlements import reset_window
from billing.periods import Alignment, Anchor, Period
from billing.rating.terms import FeatureTerms, PlanTerms
from billing.running_boundary import boundary_of
from repositories.entitlements.subscribers import LiveSubscription


def version_in_force(subscription: LiveSubscription, at: datetime) -> tuple[UUID, int] | None:
    """The plan and version that the subscription grants features by at ``at``; None if it is not.

    It is the version that the running period is billed by (CONTRACT 95). What is planned for a
    boundary holds from the boundary on, also while nobody has acted on it: a cancellation, a change
    of plan, an edit. Before its start there is no access (CONTRACT 71).
    """
    if at < subscription.start_date:
        return None
    boundary = boundary_of(
        subscription.status,
        trial_ends_at=subscription.trial_end_date,
        period_ends_at=subscription.current_period_end,
    )
    if at < boundary:
        return subscription.plan_id, subscription.plan_version
    if subscription.cancel_at_period_end:
        return None
    return subscription.upcoming_plan_id, subscription.upcoming_plan_version


def window_at(
    subscription: LiveSubscription, terms: PlanTerms, feature: FeatureTerms, at: datetime
) -> Period | None:
    """The reset window of a feature in which ``at`` lies, None before the subscription.

    Windows count from the anchor; those of a trial count from its start and end with it. Source:
    CONTRACT 21 and 42.
    """
    starts_at, limit = subscription.anchor_at, None
    trial_end = subscription.trial_end_date
    if trial_end is not None and at < trial_end:
        starts_at, limit = subscription.start_date, trial_end
    if at < starts_at:
        return None
    anchor = Anchor(
        starts_at=starts_at,
        timezone=subscription.timezone,
        alignment=Alignment(subscription.billing_anchor),
    )
    window = reset_window(terms, feature, anchor, at)
    if limit is None or window.ends_at <= limit:
        return window
    return Period(starts_at=window.starts_at, ends_at=limit)
