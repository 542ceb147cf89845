"""Usage on the wire: aggregates as numbers, events with their quantity as text (CONTRACT 1)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.schemas.common import Moment, Number, Quantity, Schema, View, require_in_range
from api.schemas.free_form import AnyObject
from billing.metering.corrections import CorrectionKind
from billing.money import plain_text
from models.usage.events import UsageCorrection, UsageEvent
from services.usage.reports import CustomerUsage, MeterStatistics, MeterUsage


def _read_bound(value: Any) -> date | datetime:
    if not isinstance(value, str):
        raise _not_a_bound()
    # An offset's plus sign arrives as a space from clients that don't encode it.
    text = value.strip().replace(" ", "+") if "T" in value.upper() else value.strip()
    try:
        if len(text) == len("2026-01-01"):
            return require_in_range(date.fromisoformat(text))
        instant = datetime.fromisoformat(text)
        instant = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _not_a_bound() from error
    return require_in_range(instant)


def _not_a_bound() -> PydanticCustomError:
    return PydanticCustomError("invalid_instant", "Send an ISO 8601 date or instant.")


BoundParameter = Annotated[
    date | datetime,
    BeforeValidator(_read_bound),
    WithJsonSchema({"type": "string", "examples": ["2026-02-01", "2026-02-01T00:00:00Z"]}),
]
"""A date of the organization's calendar, or an instant."""


class UsageGroupView(View):
    """One calendar unit. ``period`` is its local start."""

    period: str
    usage: Quantity
    event_count: int


class MeterUsageView(View):
    """A meter's usage in a span."""

    meter_id: UUID
    total_usage: Quantity
    event_count: int
    unique_customers: int
    period_start: Moment
    period_end: Moment
    grouped_data: list[UsageGroupView]


class UnbilledUsageView(View):
    """A customer's usage of a meter that no subscription charges."""

    customer_id: UUID
    external_id: str | None
    meter_id: UUID
    usage: Quantity
    event_count: int
    first_at: Moment
    last_at: Moment


class MeterStatisticsView(View):
    """A meter at a glance."""

    meter_id: UUID
    total_events: int
    unique_customers: int
    first_event_date: Moment | None
    last_event_date: Moment | None
    today_usage: Quantity
    this_week_usage: Quantity
    this_month_usage: Quantity


class MeterTotalView(View):
    """A customer's usage on one meter."""

    meter_id: UUID
    meter_name: str
    name: str
    unit: str | None
    usage: Quantity
    event_count: int


class CustomerUsageView(View):
    """A customer's usage on every meter that saw any."""

    period_start: Moment
    period_end: Moment
    data: list[MeterTotalView]


class UsageEventView(View):
    """An event as it counts now. ``quantity`` is the amended one if it was amended."""

    id: UUID
    customer_id: UUID
    meter_id: UUID
    quantity: str
    timestamp: Moment
    ingested_at: Moment
    created_at: Moment
    idempotency_key: str | None
    meta_data: AnyObject
    late: bool
    paused: bool
    counted: bool
    voided: bool
    amended: bool


class AmendUsage(Schema):
    """The quantity that an event should have had."""

    quantity: Number


def view_meter_usage(found: MeterUsage) -> MeterUsageView:
    """A meter's usage on the wire."""
    return MeterUsageView(
        meter_id=found.meter.id,
        total_usage=found.usage,
        event_count=found.event_count,
        unique_customers=found.customer_count,
        period_start=found.starts_at,
        period_end=found.shown_end,
        grouped_data=[
            UsageGroupView(period=group.label, usage=group.usage, event_count=group.event_count)
            for group in found.groups
        ],
    )


def view_meter_statistics(found: MeterStatistics) -> MeterStatisticsView:
    """A meter at a glance, on the wire."""
    return MeterStatisticsView(
        meter_id=found.meter_id,
        total_events=found.event_count,
        unique_customers=found.customer_count,
        first_event_date=found.first_event_at,
        last_event_date=found.last_event_at,
        today_usage=found.today,
        this_week_usage=found.this_week,
        this_month_usage=found.this_month,
    )


def view_customer_usage(found: CustomerUsage) -> CustomerUsageView:
    """A customer's usage on the wire."""
    return CustomerUsageView(
        period_start=found.starts_at,
        period_end=found.shown_end,
        data=[view_meter_total(one) for one in found.meters],
    )


def view_meter_total(found: MeterUsage) -> MeterTotalView:
    """One meter's part of a customer's usage."""
    return MeterTotalView(
        meter_id=found.meter.id,
        meter_name=found.meter.meter_name,
        name=found.meter.name,
        unit=found.meter.unit,
        usage=found.usage,
        event_count=found.event_count,
    )


def view_event(event: UsageEvent, correction: UsageCorrection | None) -> UsageEventView:
    """An event with the correction that holds of it, if any."""
    quantity: Decimal = event.quantity
    if correction is not None and correction.quantity is not None:
        quantity = correction.quantity
    return UsageEventView(
        id=event.id,
        customer_id=event.customer_id,
        meter_id=event.meter_id,
        quantity=plain_text(quantity),
        timestamp=event.timestamp,
        ingested_at=event.ingested_at,
        created_at=event.ingested_at,
        idempotency_key=event.idempotency_key,
        meta_data=_readable(event.meta_data or {}),
        late=event.late,
        paused=event.paused,
        counted=event.counted,
        voided=correction is not None and correction.kind == CorrectionKind.VOID,
        amended=correction is not None and correction.kind != CorrectionKind.VOID,
    )


def _readable(value: Any) -> Any:
    """The same free-form data with integers beyond 64 bits as decimals, which encode exactly."""
    match value:
        case dict():
            return {name: _readable(inner) for name, inner in value.items()}
        case list():
            return [_readable(inner) for inner in value]
        case int() if abs(value) >= 2**63:
            return Decimal(value)
    return value
