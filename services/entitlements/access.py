"""What a customer may use now: features of their live subscriptions, against usage so far.

What is decided from comes in a few statements: the customer with their subscriptions, the features,
and the usage of all reset windows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from psycopg import AsyncConnection

from billing.entitlements import (
    AccessReason,
    Entitlement,
    decide_access,
    most_generous,
    refuse_access,
)
from billing.identifiers import FeatureId, MeterId
from billing.metering.aggregations import Aggregation, MeterTerms
from billing.money import ZERO, shortest
from billing.periods import Period
from billing.rating.terms import FeatureTerms, FeatureType, PlanTerms
from repositories.entitlements import subscribers as stored_subscribers
from repositories.entitlements.subscribers import FeatureRow, LiveSubscription, Subscriber
from repositories.usage import usage_now as stored_usage
from services.catalog.terms_cache import TermsCache
from services.entitlements.credit import CapQuestion, HasCredit, list_questions
from services.entitlements.windows import version_in_force, window_at
from services.required import not_found
from services.usage.measure import list_spans, read_usage_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerEntitlement:
    """The answer for one feature, and the subscription that gives it, if any does."""

    entitlement: Entitlement
    subscription_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A feature as one live subscription grants it, and the window in which its usage counts."""

    subscription: LiveSubscription
    terms: PlanTerms
    feature: FeatureTerms
    meter: MeterTerms | None = None
    window: Period | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What is granted at an instant; ``reason`` says why a feature is not."""

    at: datetime
    grants: tuple[Grant, ...]
    reason: AccessReason


async def list_entitlements(
    connection: AsyncConnection,
    organization_id: UUID,
    customer: str,
    *,
    cache: TermsCache,
    has_credit: HasCredit,
    now: datetime,
) -> list[CustomerEntitlement]:
    """The answer for every feature of the catalogue, oldest first. Raises NotFound."""
    subscriber = await get_subscriber(connection, organization_id, customer)
    found = await stored_subscribers.list_features(connection, organization_id, None)
    granted = await find_grants(
        connection, organization_id, subscriber, found, cache=cache, now=now
    )
    unpaid = await find_unpaid(organization_id, subscriber.customer_id, granted, has_credit)
    capped = await find_capped(organization_id, subscriber, granted, has_credit)
    usages = await measure(connection, organization_id, subscriber.customer_id, granted.grants)
    return [decide(feature, granted, usages, unpaid, capped) for feature in found]


async def find_capped(
    organization_id: UUID, subscriber: Subscriber, granted: Grants, has_credit: HasCredit
) -> frozenset[int]:
    """The places of grants whose meter a spending cap ends; nobody asks without one."""
    if not subscriber.has_cap:
        return frozenset()
    asked = [
        (
            place,
            CapQuestion(
                organization_id=organization_id,
                customer_id=subscriber.customer_id,
                subscription_id=one.subscription.id,
                meter_id=one.meter.meter_id,
                at=granted.at,
            ),
        )
        for place, one in enumerate(granted.grants)
        if one.meter is not None
    ]
    return frozenset([place for place, one in asked if not await has_credit(one)])


async def find_unpaid(
    organization_id: UUID, customer_id: UUID, granted: Grants, has_credit: HasCredit
) -> frozenset[int]:
    """The places of grants whose usage ends with credit of which nothing is left."""
    terms = [(one.terms, one.feature) for one in granted.grants]
    asked = list_questions(organization_id, customer_id, terms, granted.at)
    return frozenset([place for place, one in asked if not await has_credit(one)])


async def get_subscriber(
    connection: AsyncConnection, organization_id: UUID, customer: str
) -> Subscriber:
    """The customer of this id, or else of this external id. Raises NotFound."""
    subscriber = await stored_subscribers.find_subscriber(connection, organization_id, customer)
    if subscriber is None:
        raise not_found("Customer")
    return subscriber


async def find_grants(
    connection: AsyncConnection,
    organization_id: UUID,
    subscriber: Subscriber,
    features: Sequence[FeatureRow],
    *,
    cache: TermsCache,
    now: datetime,
) -> Grants:
    """What the customer's subscriptions grant of these features now."""
    at = subscriber.clock_time or now
    live = [
        (subscription, (organization_id, *version))
        for subscription in subscriber.subscriptions
        if (version := version_in_force(subscription, at)) is not None
    ]
    terms = await cache.find(
        (version for _, version in live),
        partial(stored_subscribers.list_terms, connection, organization_id),
    )
    wanted = {feature.id: feature for feature in features}
    grants = tuple(
        _grant(subscription, terms[version], granted, wanted[granted.feature_id], at)
        for subscription, version in live
        for granted in terms[version].features
        if granted.feature_id in wanted
    )
    reason = AccessReason.NOT_ON_PLAN if live else AccessReason.NO_SUBSCRIPTION
    return Grants(at=at, grants=grants, reason=reason)


def _grant(
    subscription: LiveSubscription,
    terms: PlanTerms,
    granted: FeatureTerms,
    feature: FeatureRow,
    at: datetime,
) -> Grant:
    if feature.meter_id is None or feature.aggregation_type is None:
        return Grant(subscription=subscription, terms=terms, feature=granted)
    return Grant(
        subscription=subscription,
        terms=terms,
        feature=granted,
        meter=MeterTerms(
            meter_id=MeterId(feature.meter_id),
            name=feature.name,
            aggregation=Aggregation(feature.aggregation_type),
            carry_forward=bool(feature.carry_forward),
        ),
        window=window_at(subscription, terms, granted, at),
    )


async def measure(
    connection: AsyncConnection,
    organization_id: UUID,
    customer_id: UUID,
    grants: Sequence[Grant],
) -> Mapping[int, Decimal]:
    """The usage of every measured grant, by its place."""
    measured = [
        (place, grant.meter, grant.window)
        for place, grant in enumerate(grants)
        if grant.meter is not None and grant.window is not None
    ]
    if not measured:
        return {}
    spans = [span for place, meter, window in measured for span in list_spans(meter, window, place)]
    _, parts = await stored_usage.read_usage_now(connection, organization_id, customer_id, spans)
    return {
        place: shortest(read_usage_of(meter, window, parts, place))
        for place, meter, window in measured
    }


def decide(
    feature: FeatureRow,
    granted: Grants,
    usages: Mapping[int, Decimal],
    unpaid: Collection[int] = (),
    capped: Collection[int] = (),
) -> CustomerEntitlement:
    """The most generous of what the customer's subscriptions grant of a feature."""
    answers = [
        CustomerEntitlement(
            entitlement=decide_access(
                grant.feature,
                usage=usages.get(place, ZERO),
                resets_at=grant.window.ends_at if grant.window else None,
                has_credit=place not in unpaid,
                is_capped=place in capped,
            ),
            subscription_id=grant.subscription.id,
        )
        for place, grant in enumerate(granted.grants)
        if grant.feature.feature_id == feature.id
    ]
    if not answers:
        return CustomerEntitlement(
            entitlement=refuse_access(
                feature_id=FeatureId(feature.id),
                lookup_key=feature.lookup_key,
                name=feature.name,
                type=FeatureType(feature.type),
                reason=granted.reason,
            )
        )
    best = most_generous([one.entitlement for one in answers])
    return next(one for one in answers if one.entitlement is best)
