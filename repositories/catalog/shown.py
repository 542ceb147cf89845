"""Plans, and subscriptions on them, as they are shown: each whole, by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.catalog.features import Feature
from models.catalog.plans import Charge, Plan, PlanFeature
from models.subscriptions.states import HAS_NOT_ENDED
from models.subscriptions.subscriptions import Subscription
from repositories.asynchronous.document_reads import DocumentRead, PageRead
from repositories.catalog.versions import PERIOD_AND_PLAN, VERSION_IN_FORCE


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedFeature:
    """What a plan grants, with the feature that it is of."""

    granted: PlanFeature
    feature: Feature


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanContents:
    """A plan with its active charges and all that it grants, each oldest first."""

    plan: Plan
    charges: tuple[Charge, ...] = ()
    features: tuple[GrantedFeature, ...] = ()


PLANS: Final = DocumentRead(
    """
    SELECT asked.place, json_build_object(
        'plan', plan,
        -- What new periods are charged, in the order of its charges.
        'charges', (
            SELECT coalesce(json_agg(charge ORDER BY charge.position), '[]') FROM charge
            WHERE charge.organization_id = tenant.id AND charge.plan_id = plan.id
                AND charge.status = 'ACTIVE'
        ),
        -- What it grants, each with its feature, even if that was deleted since.
        'features', (
            SELECT coalesce(
                json_agg(
                    json_build_object('granted', granted, 'feature', feature)
                    ORDER BY granted.created_at, granted.id
                ),
                '[]'
            )
            FROM plan_feature AS granted
            JOIN feature ON feature.organization_id = tenant.id
                AND feature.id = granted.feature_id
            WHERE granted.organization_id = tenant.id AND granted.plan_id = plan.id
        )
    ) AS document
    -- The plans that are asked for, unless they are deleted.
    FROM asked JOIN plan ON plan.organization_id = tenant.id AND plan.id = asked.id
        AND plan.deleted_at IS NULL""",
    PlanContents,
)

PLAN_PAGES: Final = PageRead(
    read=DocumentRead(
        """
        SELECT asked.place, row_to_json(plan) AS document
        FROM asked JOIN plan ON plan.organization_id = tenant.id AND plan.id = asked.id""",
        Plan,
    ),
    table="plan",
    listed="deleted_at IS NULL",
    filters={"type": "type = %(type)s", "is_active": "is_active = %(is_active)s"},
)
"""Lists show a plan without what it charges and grants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSubscription:
    """A subscription with its plan, whose it is, and the version in force."""

    subscription: Subscription
    plan: Plan
    customer_name: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionContents(ListedSubscription):
    """The same with the text of that version's terms."""

    terms: str


_JOINED: Final = f"""
    FROM asked JOIN subscription ON subscription.organization_id = tenant.id
        AND subscription.id = asked.id AND subscription.deleted_at IS NULL
    JOIN customer ON customer.organization_id = tenant.id
        AND customer.id = subscription.customer_id{PERIOD_AND_PLAN}"""

SUBSCRIPTIONS: Final = DocumentRead(
    f"""
    SELECT asked.place, json_build_object(
        'subscription', subscription,
        'plan', plan,
        'customer_name', customer.name,
        'version', {VERSION_IN_FORCE},
        'terms', made.terms::text
    ) AS document{_JOINED}
    JOIN plan_version AS made ON made.organization_id = tenant.id AND made.plan_id = plan.id
        AND made.version = {VERSION_IN_FORCE}""",
    SubscriptionContents,
)

_PARKED: Final = """
    SELECT parked.subscription_id FROM subscription_period AS parked
    WHERE parked.organization_id = tenant.id AND parked.status = 'parked'"""

SUBSCRIPTION_PAGES: Final = PageRead(
    read=DocumentRead(
        f"""
    SELECT asked.place, json_build_object(
        'subscription', subscription, 'plan', plan, 'customer_name', customer.name,
        'version', {VERSION_IN_FORCE}
    ) AS document{_JOINED}""",
        ListedSubscription,
    ),
    table="subscription",
    listed="deleted_at IS NULL",
    filters={
        "customer_id": "customer_id = %(customer_id)s",
        "status": "status = %(status)s",
        "period_ends_before": f"{HAS_NOT_ENDED} AND current_period_end < %(period_ends_before)s",
        "test_clock_id": "test_clock_id = %(test_clock_id)s",
        "on_test_clock": "(test_clock_id IS NOT NULL) = %(on_test_clock)s",
        # Two, so that the few that are parked are found by their own index, and their rows by id.
        "needs_attention": f"id IN ({_PARKED})",
        "needs_no_attention": f"id NOT IN ({_PARKED})",
    },
)
