"""Rows that statements are given, and what they left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from sqlalchemy import text
from sqlmodel import SQLModel, col, select

from models.base import new_id
from models.catalog.plans import Plan
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from models.usage.event_ids import new_event_id
from models.usage.rollups import UsageRollup
from repositories.array_text import array
from repositories.asynchronous.connections import connect
from repositories.ingestion.writer import EventScope, NewEvent, insert_events
from tests.services.shop import NOW, Shop

JANUARY, FEBRUARY, MARCH, APRIL = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4))

Span = tuple[datetime, datetime, str]
"""When a period starts and ends, and its status."""


@asynccontextmanager
async def one_transaction(*shops: Shop) -> AsyncIterator[AsyncConnection]:
    """A transaction as ingestion has it, in which all these organizations are seen."""
    connection = await connect(shops[0].transactions.address)
    async with connection, connection.transaction():
        organizations = array(str(shop.organization_id) for shop in shops)
        await connection.execute(
            "SELECT set_config('app.organizations', %s, true)", [organizations]
        )
        yield connection


def event(
    shop: Shop,
    meter_id: UUID,
    customer_id: UUID,
    at: datetime,
    quantity: int | str = 1,
    **fields: Any,
) -> NewEvent:
    """An event that counts and goes by its id, unless ``fields`` say otherwise."""
    defaults: dict[str, Any] = {
        "distinct_value": None,
        "meta_data": None,
        "idempotency_key": None,
        "content_hash": "00",
        "counted": True,
    }
    scope = EventScope(str(shop.organization_id), str(meter_id), str(customer_id))
    return NewEvent(
        scope=scope,
        id=str(new_event_id(at)),
        timestamp=at,
        quantity=str(quantity),
        **defaults | fields,
    )


async def write(events: Sequence[NewEvent], *shops: Shop) -> int:
    """The events are inserted in one transaction; how many were new."""
    for month in {date(one.timestamp.year, one.timestamp.month, 1) for one in events}:
        with shops[0].transactions.for_organizations([]) as session:
            session.execute(text("SELECT ensure_usage_partition(:month)"), {"month": month})
    async with one_transaction(*shops) as connection:
        return await insert_events(connection, events, now=NOW)


def rollups(shop: Shop) -> list[UsageRollup]:
    """The hours that are stored, the first ones first."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        return list(session.exec(select(UsageRollup).order_by(col(UsageRollup.hour))))


def store(shop: Shop, *rows: SQLModel) -> None:
    """The rows are stored, in this order."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        for row in rows:
            session.add(row)
            session.flush()


def subscribe(
    shop: Shop, customer_id: UUID, plan: Plan, *spans: Span, **fields: Any
) -> Subscription:
    """A monthly subscription with these periods; the last one is its running one."""
    starts_at, ends_at, _ = spans[-1]
    defaults: dict[str, Any] = {"status": "ACTIVE", "current_period_index": len(spans) - 1}
    subscription = Subscription(
        organization_id=shop.organization_id,
        id=new_id(),
        customer_id=customer_id,
        plan_id=plan.id,
        timezone="UTC",
        billing_interval="month",
        anchor_at=spans[0][0],
        start_date=spans[0][0],
        current_period_start=starts_at,
        current_period_end=ends_at,
        created_at=spans[0][0],
        **defaults | fields,
    )
    store(shop, subscription)
    store(shop, *(_period(subscription, index, span) for index, span in enumerate(spans)))
    return subscription


def _period(subscription: Subscription, index: int, span: Span) -> SubscriptionPeriod:
    starts_at, ends_at, status = span
    return SubscriptionPeriod(
        organization_id=subscription.organization_id,
        subscription_id=subscription.id,
        index=index,
        ordinal=index,
        anchor_at=subscription.anchor_at,
        starts_at=starts_at,
        ends_at=ends_at,
        regular_starts_at=starts_at,
        regular_ends_at=ends_at,
        plan_id=subscription.plan_id,
        plan_version=1,
        status=status,
    )


def d(number: str) -> Decimal:
    """The number."""
    return Decimal(number)
