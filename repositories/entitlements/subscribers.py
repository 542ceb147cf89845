"""What entitlements are decided from: a customer's live subscriptions, and features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from models.subscriptions.states import BOUNDARY, LIVE
from repositories.asynchronous.tenant_reads import read_rows
from repositories.catalog.versions import PERIOD_AND_PLAN, VERSION_IN_FORCE, VERSION_TO_OPEN
from repositories.statement_text import compact


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSubscription:
    """A live subscription, with what its running period is billed by.

    ``upcoming`` is what the next period opens with.
    """

    id: UUID
    plan_id: UUID
    plan_version: int
    upcoming_plan_id: UUID
    upcoming_plan_version: int
    status: str
    timezone: str
    billing_anchor: str
    anchor_at: datetime
    start_date: datetime
    trial_end_date: datetime | None
    current_period_end: datetime
    cancel_at_period_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A customer with their live subscriptions, oldest first.

    ``clock_time`` is the present of the test clock they live on, if any. ``has_cap``: an alert of
    theirs ends access as it is reached.
    """

    customer_id: UUID
    clock_time: datetime | None
    has_cap: bool
    subscriptions: tuple[LiveSubscription, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRow:
    """A feature of the catalogue, with the definition of its meter if it has one."""

    id: UUID
    lookup_key: str
    name: str
    type: str
    meter_id: UUID | None
    aggregation_type: str | None
    carry_forward: bool | None


async def find_subscriber(
    connection: AsyncConnection, organization_id: UUID, customer: str
) -> Subscriber | None:
    """The customer that is known by this id, or else by this external id, or None."""
    rows = await read_rows(
        connection,
        organization_id,
        _FIND_SUBSCRIBER,
        {"external_id": customer, "id": _as_id(customer)},
    )
    if not rows:
        return None
    first = rows[0]
    return Subscriber(
        customer_id=first["customer_id"],
        clock_time=first["clock_time"],
        has_cap=first["has_cap"],
        subscriptions=tuple(_to_subscription(row) for row in rows if row["id"] is not None),
    )


async def list_features(
    connection: AsyncConnection, organization_id: UUID, lookup_key: str | None
) -> Sequence[FeatureRow]:
    """The features of the catalogue, oldest first, or only the one with this key."""
    found: list[FeatureRow] = await read_rows(
        connection,
        organization_id,
        _LIST_FEATURES if lookup_key is None else _FIND_FEATURE,
        {"lookup_key": lookup_key},
        class_row(FeatureRow),
    )
    return found


async def list_terms(
    connection: AsyncConnection, organization_id: UUID, versions: Iterable[tuple[UUID, UUID, int]]
) -> dict[tuple[UUID, UUID, int], Any]:
    """The documents of versions of plans: of organization, plan and number."""
    wanted = list(versions)
    rows = await read_rows(
        connection,
        organization_id,
        _LIST_TERMS,
        {"plans": [key[1] for key in wanted], "versions": [key[2] for key in wanted]},
    )
    return {(organization_id, row["plan_id"], row["version"]): row["terms"] for row in rows}


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


OF_CUSTOMER: Final = frozenset({"customer_id", "clock_time", "has_cap"})


def _to_subscription(row: dict[str, Any]) -> LiveSubscription:
    return LiveSubscription(
        **{name: value for name, value in row.items() if name not in OF_CUSTOMER}
    )


_UPCOMING_PLAN: Final = "coalesce(subscription.next_plan_id, subscription.plan_id)"

SUBSCRIPTION_COLUMNS: Final = f"""
    subscription.id, subscription.plan_id, {VERSION_IN_FORCE} AS plan_version,
    {_UPCOMING_PLAN} AS upcoming_plan_id,
    CASE WHEN subscription.version_policy = 'pinned' AND subscription.next_plan_id IS NULL
        THEN subscription.plan_version
        ELSE {VERSION_TO_OPEN.format(plan=_UPCOMING_PLAN, begin=BOUNDARY)}
    END AS upcoming_plan_version,
    subscription.status, subscription.timezone, subscription.billing_anchor,
    subscription.anchor_at, subscription.start_date, subscription.trial_end_date,
    subscription.current_period_end, subscription.cancel_at_period_end"""

_FIND_SUBSCRIBER: Final = compact(f"""
SELECT customer.id AS customer_id, customer.has_cap,
    coalesce(clock.target_time, clock.frozen_time) AS clock_time,
    {SUBSCRIPTION_COLUMNS}
FROM customer
LEFT JOIN test_clock AS clock ON clock.organization_id = customer.organization_id
    AND clock.id = customer.test_clock_id
LEFT JOIN subscription ON subscription.organization_id = customer.organization_id
    AND subscription.customer_id = customer.id
    AND {LIVE}
-- What the running period, if there is one, is billed by.
{PERIOD_AND_PLAN}
-- An id wins over another customer's external id of the same text.
WHERE customer.organization_id = tenant.id AND customer.deleted_at IS NULL
    AND customer.id = coalesce(
        (
            SELECT named.id FROM customer AS named
            WHERE named.organization_id = tenant.id AND named.id = %(id)s::uuid
                AND named.deleted_at IS NULL
        ),
        (
            SELECT named.id FROM customer AS named
            WHERE named.organization_id = tenant.id AND named.external_id = %(external_id)s
                AND named.deleted_at IS NULL
        )
    )
ORDER BY subscription.created_at, subscription.id""")  # noqa: S608  (put together out of constants)

_FEATURES: Final = """
SELECT feature.id, feature.lookup_key, feature.name, feature.type, feature.meter_id,
    meter.aggregation_type, meter.carry_forward
FROM feature
LEFT JOIN meter ON meter.organization_id = feature.organization_id
    AND meter.id = feature.meter_id
WHERE feature.organization_id = tenant.id AND feature.deleted_at IS NULL"""

_FIND_FEATURE: Final = f"{_FEATURES} AND feature.lookup_key = %(lookup_key)s"
_LIST_FEATURES: Final = f"{_FEATURES} ORDER BY feature.created_at, feature.id"

_LIST_TERMS: Final = """
SELECT plan_id, version, terms FROM plan_version
WHERE organization_id = tenant.id AND (plan_id, version) IN (
    SELECT * FROM unnest(%(plans)s::uuid[], %(versions)s::integer[])
)"""
