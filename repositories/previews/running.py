"""The bill of a running period, looked at by two statements: what surrounds it, and its usage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from sqlmodel import Session

from models.accounts.organizations import Organization
from models.catalog.meters import Meter
from models.catalog.plans import Plan
from models.catalog.tax_rates import TaxRate
from models.customers import Customer
from models.subscriptions.subscriptions import Subscription, SubscriptionPause, SubscriptionPeriod
from repositories import customers
from repositories.asynchronous.document_reads import DocumentRead
from repositories.asynchronous.prefetched import NotPrefetched, Prefetched
from repositories.catalog import meters, plans, tax_rates
from repositories.credits import standings
from repositories.credits.standings import Standing
from repositories.invoicing import late_usage
from repositories.subscriptions import add_ons, running, subscriptions
from repositories.usage import period_usage, usage_now
from repositories.usage.period_usage import UsageRead, UsageRow

T = TypeVar("T")

MOST_METERS: Final = 20
MOST_SPANS: Final = 60
"""What has more of either is rated in a thread, where it keeps nobody waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRules:
    """Of an organization what its bills go by."""

    proration: str
    late_usage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMoney:
    """Of a plan what its bills are in."""

    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningBill:
    """A subscription with a period that runs, and what surrounds it."""

    subscription: Subscription
    period: SubscriptionPeriod
    organization: BillingRules
    plan: PlanMoney
    customer: Customer
    terms: str
    meters: list[Meter]
    pauses: list[SubscriptionPause]
    tax_rates: list[TaxRate]
    balance: Decimal
    units: list[str]
    has_coupon: bool
    has_add_ons: bool
    is_marked: bool


# Each part is what the function of its name reads that is answered by it below; a look that asks
# for more is taken by a session. tests/api/invoicing/test_previews_in_front.py compares them.
RUNNING_BILLS: Final = DocumentRead(
    """
    SELECT asked.place, json_build_object(
        'subscription', subscription,
        'period', period,
        'organization', json_build_object(
            'proration', organization.proration, 'late_usage', organization.late_usage
        ),
        'plan', json_build_object('currency', plan.currency),
        'customer', customer,
        'terms', version.terms::text,
        -- Edits only add and end charges: what a version measures is among these.
        'meters', (
            SELECT coalesce(json_agg(meter), '[]') FROM meter
            WHERE meter.organization_id = tenant.id AND meter.id IN (
                SELECT charge.meter_id FROM charge
                WHERE charge.organization_id = tenant.id AND charge.plan_id = period.plan_id
            )
        ),
        'pauses', (
            SELECT coalesce(json_agg(pause ORDER BY pause.starts_at), '[]')
            FROM subscription_pause AS pause
            WHERE pause.organization_id = tenant.id AND pause.subscription_id = subscription.id
        ),
        'tax_rates', (
            SELECT coalesce(json_agg(rate ORDER BY rate.created_at, rate.id), '[]')
            FROM tax_rate AS rate
            WHERE rate.organization_id = tenant.id AND rate.deleted_at IS NULL
        ),
        -- What pays of it beside money.
        'balance', coalesce((
            SELECT posting.balance_after FROM account_posting AS posting
            WHERE posting.organization_id = tenant.id
                AND posting.customer_id = subscription.customer_id
                AND posting.currency = plan.currency
            ORDER BY posting.sequence DESC LIMIT 1
        ), 0),
        'units', ARRAY(
            SELECT wallet.unit FROM wallet
            WHERE wallet.organization_id = tenant.id
                AND wallet.customer_id = subscription.customer_id
        ),
        'has_coupon', EXISTS (
            SELECT FROM coupon_redemption AS redeemed
            WHERE redeemed.organization_id = tenant.id
                AND redeemed.customer_id = subscription.customer_id AND redeemed.ended_at IS NULL
        ),
        -- What a look at a bill asks more about, if it is there.
        'has_add_ons', EXISTS (
            SELECT FROM subscription_add_on AS add_on
            WHERE add_on.organization_id = tenant.id AND add_on.subscription_id = subscription.id
        ),
        'is_marked', EXISTS (
            SELECT FROM late_usage_mark AS mark
            WHERE mark.organization_id = tenant.id AND mark.subscription_id = subscription.id
        )
    ) AS document
    -- A subscription without a period that runs is not found.
    FROM asked
    JOIN subscription ON subscription.organization_id = tenant.id AND subscription.id = asked.id
    JOIN organization ON organization.id = tenant.id
    JOIN customer ON customer.organization_id = tenant.id
        AND customer.id = subscription.customer_id
    JOIN subscription_period AS period ON period.organization_id = tenant.id
        AND period.subscription_id = subscription.id AND period.status = 'open'
    JOIN plan ON plan.organization_id = tenant.id AND plan.id = period.plan_id
    JOIN plan_version AS version ON version.organization_id = tenant.id
        AND version.plan_id = period.plan_id AND version.version = period.plan_version""",
    RunningBill,
)


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """Which usage a look asks for, in its own words: an organization, a customer and spans."""

    asked: Sequence[tuple[UUID, UUID, Sequence[UsageRead]]]


async def find_running_bill(
    connection: AsyncConnection, organization_id: UUID, subscription_id: UUID
) -> str:
    """What surrounds the bill of a period that runs. Raises NotPrefetched where none does."""
    [found] = await RUNNING_BILLS.find(connection, organization_id, [subscription_id])
    if found is None:
        raise NotPrefetched(RUNNING_BILLS)
    return found


def ask_for_usage(
    organization_id: UUID, bill: str, look: Callable[[Session], object]
) -> UsageQuestion | None:
    """Which usage ``look`` needs, as it says itself; none where nothing is measured.

    Raises NotPrefetched where it asks for more, and what it raises.
    """
    found = RUNNING_BILLS.decode(bill)
    if len(found.meters) > MOST_METERS:
        raise NotPrefetched(RUNNING_BILLS)
    try:
        look(prefetch(organization_id, found))
    except NotPrefetched as missing:
        if missing.read is not period_usage.read_usage:
            raise
        question = UsageQuestion(missing.asked[0])
    else:
        return None
    [(_, _, spans)] = question.asked
    if len(spans) > MOST_SPANS:
        raise NotPrefetched(RUNNING_BILLS)
    return question


async def find_usage(
    connection: AsyncConnection, question: UsageQuestion | None
) -> Sequence[UsageRow]:
    """All usage of that which is acknowledged."""
    if question is None:
        return ()
    [(organization_id, customer_id, spans)] = question.asked
    return await usage_now.read_rows_now(connection, organization_id, customer_id, spans)


def look_at_running(
    organization_id: UUID,
    bill: str,
    question: UsageQuestion | None,
    usage: Sequence[UsageRow],
    look: Callable[[Session], T],
) -> T:
    """What ``look`` gives of a bill that runs, by its usage. Raises what it raises."""
    session = prefetch(organization_id, RUNNING_BILLS.decode(bill))
    if question is not None:
        # Nothing is frozen, so it does not matter what has arrived elsewhere.
        answer = (0, period_usage.to_parts(usage))
        session.know_one(period_usage.read_usage, (question.asked, None), answer)
    return look(session)


def prefetch(organization_id: UUID, found: RunningBill) -> Prefetched:
    """A session that knows of the subscription what was found, as the functions below give it."""
    subscription, period = found.subscription, found.period
    key, version = (organization_id, subscription.id), (period.plan_id, period.plan_version)
    customer = (organization_id, subscription.customer_id)
    account = (*customer, found.plan.currency)
    session = Prefetched(
        {
            (Organization, organization_id): found.organization,
            (Plan, (organization_id, period.plan_id)): found.plan,
        }
    )
    session.know_one(running.find_running, key, (subscription, period))
    session.know_one(subscriptions.list_pauses, ([key],), {key: found.pauses})
    session.know_one(plans.find_version_terms, (organization_id, *version), found.terms)
    session.know(meters.list_meters_by_id, partial(_list_meters, organization_id, found.meters))
    session.know_one(customers.list_by_key, ({customer},), {customer: found.customer})
    standing = Standing(found.balance, frozenset(found.units), found.has_coupon)
    session.know_one(standings.find_standings, ({account},), {account: standing})
    rates = [tax_rates.to_tax_rate(row) for row in found.tax_rates]
    session.know_one(tax_rates.list_rates_in_force, (organization_id,), rates)
    if not found.has_add_ons:
        session.know_one(add_ons.list_of_subscriptions, ([key],), {key: []})
    if not found.is_marked:
        session.know(late_usage.list_marked_periods, lambda asked: [[] for _ in asked])
    return session


def _list_meters(
    organization_id: UUID, found: Collection[Meter], asked: UUID, meter_ids: Collection[UUID]
) -> dict[UUID, Meter]:
    known = {one.id: one for one in found}
    if asked != organization_id or not known.keys() >= set(meter_ids):
        raise NotPrefetched(meters.list_meters_by_id, (asked, meter_ids))
    return {one: known[one] for one in meter_ids}
