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
    """The local begin of the calendar unit in the organization's time zone: a date, or an hour."""
    usage: Quantity
    """What the events of the unit come to."""
    event_count: int


class MeterUsageView(View):
    """A meter's usage in a span."""

    meter_id: UUID
    total_usage: Quantity
    """What the events of the whole span come to, by the meter's aggregation."""
    event_count: int
    unique_customers: int
    """How many customers the events are of."""
    period_start: Moment
    """The begin of the span."""
    period_end: Moment
    """The end of the span; of a date, its last second."""
    grouped_data: list[UsageGroupView]
    """The usage by calendar units that saw any, oldest first."""


class UnbilledUsageView(View):
    """A customer's usage of a meter that no subscription charges."""

    customer_id: UUID
    external_id: str | None
    """Your own id of the customer; null where it has none."""
    meter_id: UUID
    usage: Quantity
    """What the events come to, by the meter's aggregation."""
    event_count: int
    first_at: Moment
    """When the first of the events happened."""
    last_at: Moment
    """When the last of the events happened."""


class MeterStatisticsView(View):
    """A meter at a glance."""

    meter_id: UUID
    total_events: int
    """How many events the meter has ever counted."""
    unique_customers: int
    """How many customers the events are of."""
    first_event_date: Moment | None
    """When the earliest event happened; null before any."""
    last_event_date: Moment | None
    """When the latest event happened; null before any."""
    today_usage: Quantity
    """The usage of today, in the organization's time zone."""
    this_week_usage: Quantity
    """The usage of this week, from Monday on, in the organization's time zone."""
    this_month_usage: Quantity
    """The usage of this month, in the organization's time zone."""


class MeterTotalView(View):
    """A customer's usage on one meter."""

    meter_id: UUID
    meter_name: str
    """The meter's name for programs."""
    name: str
    """The meter's name for people."""
    unit: str | None
    """What is counted, such as `calls`; null where the meter does not say."""
    usage: Quantity
    """What the events come to, by the meter's aggregation."""
    event_count: int


class CustomerUsageView(View):
    """A customer's usage on every meter that saw any."""

    period_start: Moment
    """The begin of the span."""
    period_end: Moment
    """The end of the span; of a date, its last second."""
    data: list[MeterTotalView]
    """The usage by meter."""


class UsageEventView(View):
    """An event as it counts now. ``quantity`` is the amended one if it was amended."""

    id: UUID
    customer_id: UUID
    meter_id: UUID
    quantity: str
    """The quantity that counts, the amended one if it was amended: an exact decimal as a string."""
    timestamp: Moment
    """When it happened."""
    ingested_at: Moment
    """When it was recorded."""
    created_at: Moment
    """The same as `ingested_at`."""
    idempotency_key: str | None
    """The key that it came with; null where it came without."""
    meta_data: AnyObject
    """What was sent along as `metadata`, `meta_data` or `properties`."""
    late: bool
    """Whether it arrived when the invoice of its period was final."""
    paused: bool
    """Whether the subscription was paused at the time: then it is not billed."""
    counted: bool
    """Whether it passes the meter's filters, which nothing changes later, no void either. What is
    billed are events that are `counted` and neither `voided` nor `paused`."""
    voided: bool
    """Whether it was taken back: then it is in no sum and no bill any more."""
    amended: bool
    """Whether its quantity was changed."""


class AmendUsage(Schema):
    """The quantity that an event should have had."""

    quantity: Number
    """The quantity that the event should have had."""


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
