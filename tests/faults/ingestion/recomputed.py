"""What bills of a month come to, read again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from sqlmodel import select

from billing.ratios import as_decimal
from models.catalog.meters import Meter
from models.usage.events import UsageEvent
from services.ingestion.batch import PartitionCache
from services.ingestion.event_input import EventReport
from services.ingestion.ingest import ingest
from services.ingestion.submissions import EventStatus, Submission
from services.usage.measure import MeasuredUsage, measure_usage, recompute_usage
from tests.services.shop import NOW, Shop
from tests.services.usage.windows import window

MONTH = datetime(2026, 2, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def report(meter: Meter, customer_id: UUID, **fields: Any) -> EventReport:
    return EventReport(meter_id=str(meter.id), customer_id=str(customer_id), **fields)


def batch(shop: Shop, rows: Sequence[EventReport]) -> Submission:
    return Submission(organization_id=shop.organization_id, rows=rows)


async def record_late(
    connection: AsyncConnection, shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    """An event of 7 is written, and committed at its end."""
    row = report(meter, customer_id, quantity=7, timestamp=MONTH.isoformat())
    ((result,),) = await ingest(connection, [batch(shop, [row])], months=PartitionCache(), now=NOW)
    assert result.status is EventStatus.CREATED, result.error


def month(meter: Meter) -> Any:
    return window(meter, MONTH, MARCH)


def measure(shop: Shop, meter: Meter, customer_id: UUID) -> MeasuredUsage:
    return shop.read(measure_usage, customer_id, [month(meter)])


def recompute(shop: Shop, customer_id: UUID, bill: MeasuredUsage) -> Any:
    windows = [one.window for one in bill.usage]
    return shop.read(recompute_usage, customer_id, windows, bill.watermark)


def total(shop: Shop, meter: Meter, customer_id: UUID) -> Decimal:
    """All that the customer used, ever."""
    everything = window(meter, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    return as_decimal(shop.read(measure_usage, customer_id, [everything]).usage[0].aggregate)


def arrival_of(shop: Shop, customer_id: UUID) -> int:
    """The arrival sequence of the customer's event of 7."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        return session.exec(
            select(UsageEvent.arrival_sequence).where(
                UsageEvent.customer_id == customer_id, UsageEvent.quantity == Decimal(7)
            )
        ).one()
