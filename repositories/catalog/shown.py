"""Plans, and subscriptions on them, as they are shown: each whole, by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.catalog.features import Feature
from models.catalog.plans import Charge, Plan, PlanFeature
from models.subscriptions.subscriptions import Subscription
from repositories.catalog.versions import PERIOD_AND_PLAN, VERSION_IN_FORCE
from repositories.document_reads import DocumentRead


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
    SELECT json_build_object(
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
    )::text
    -- The plans that are asked for, unless they are deleted.
    FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS asked (id, place)
    JOIN plan ON plan.organization_id = tenant.id AND plan.id = asked.id
        AND plan.deleted_at IS NULL
    ORDER BY asked.place""",
    PlanContents,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionContents:
    """A subscription with its plan, the version in force, and the text of that version's terms."""

    subscription: Subscription
    plan: Plan
    version: int
    terms: str


SUBSCRIPTIONS: Final = DocumentRead(
    f"""
    SELECT json_build_object(
        'subscription', subscription,
        'plan', plan,
        'version', {VERSION_IN_FORCE},
        'terms', made.terms::text
    )::text
    FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS asked (id, place)
    JOIN subscription ON subscription.organization_id = tenant.id AND subscription.id = asked.id
        AND subscription.deleted_at IS NULL{PERIOD_AND_PLAN}
    JOIN plan_version AS made ON made.organization_id = tenant.id AND made.plan_id = plan.id
        AND made.version = {VERSION_IN_FORCE}
    ORDER BY asked.place""",  # noqa: S608  (put together out of constants)
    SubscriptionContents,
)
