"""Usage as people ask for it: of a meter by calendar unit or at a glance, and of a customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.metering.tallies import Aggregation, conclude, level_after
from billing.money import ZERO, shortest
from billing.periods import Period, as_utc, find_zone, start_of_day
from models.catalog.meters import Meter
from models.customers import Customer
from repositories import customers as stored_customers
from repositories.accounts import organizations as stored_organizations
from repositories.catalog import meters as stored_meters
from repositories.usage import reports as stored_reports
from repositories.usage.events import EventSelection
from repositories.usage.period_usage import BEGINNING
from repositories.usage.reports import PeriodUsage
from services.required import require_customer, require_meter
from services.subscriptions.clocks import present_of
from services.usage.calendar import (
    Grouping,
    UsageQuery,
    end_of,
    first_instant,
    require_order,
    resolve,
    split,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageGroup:
    """One calendar unit's usage. ``label`` is its local start."""

    label: str
    usage: Decimal
    event_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterUsage:
    """A meter's usage in a span, and the part of each unit that has any.

    ``shown_end`` is the end to show: the last second of a day that was asked for as a date.
    """

    meter: Meter
    usage: Decimal
    event_count: int
    customer_count: int
    starts_at: datetime
    shown_end: datetime
    groups: tuple[UsageGroup, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterStatistics:
    """A meter at a glance; days, weeks and months are the organization's."""

    meter_id: UUID
    event_count: int
    customer_count: int
    first_event_at: datetime | None
    last_event_at: datetime | None
    today: Decimal
    this_week: Decimal
    this_month: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerUsage:
    """A customer's usage on every meter that saw any in the span."""

    starts_at: datetime
    shown_end: datetime
    meters: tuple[MeterUsage, ...]


def query_meter_usage(
    session: Session,
    organization_id: UUID,
    meter_id: UUID,
    query: UsageQuery,
    *,
    grouping: Grouping,
    customer_id: UUID | None,
    now: datetime,
) -> MeterUsage:
    """A meter's usage in a span, of one customer or of all, by calendar unit.

    Units without usage are left out. Raises NotFound, InvalidInput for a span that is empty or has
    more than 10,000 units.
    """
    meter = get_meter(session, organization_id, meter_id)
    present = now
    if customer_id is not None:
        customer = get_customer(session, organization_id, customer_id)
        present = present_of(session, organization_id, customer.test_clock_id, now=now)
    zone = stored_organizations.get_organization(session, organization_id).timezone
    asked = resolve(query, zone, now=present)
    units = list(split(asked.period, grouping, zone))
    periods = [asked.period, *(one for _, one in units)]
    read = _read(session, organization_id, meter, periods, customer_id)
    total, *parts = read.usages
    carried = read.carried
    groups = []
    for (label, period), part in zip(units, parts, strict=True):
        usage = measure(meter, part, period, carried=carried)
        if part.tally.event_count or usage:
            groups.append(UsageGroup(label=label, usage=usage, event_count=part.tally.event_count))
        carried = _carry(meter, carried, part)
    return MeterUsage(
        meter=meter,
        usage=measure(meter, total, periods[0], carried=read.carried),
        event_count=total.tally.event_count,
        customer_count=total.customer_count,
        starts_at=asked.period.starts_at,
        shown_end=asked.shown_end,
        groups=tuple(groups),
    )


def query_meter_statistics(
    session: Session, organization_id: UUID, meter_id: UUID, *, now: datetime
) -> MeterStatistics:
    """A meter at a glance. Raises NotFound."""
    meter = get_meter(session, organization_id, meter_id)
    zone = stored_organizations.get_organization(session, organization_id).timezone
    today = as_utc(now).astimezone(find_zone(zone)).date()
    starts = (today, today - timedelta(days=today.weekday()), today.replace(day=1))
    # What lies a few minutes ahead was accepted as of now, so it belongs to today.
    tomorrow = start_of_day(today + timedelta(days=1), zone)
    periods = [Period(starts_at=start_of_day(day, zone), ends_at=tomorrow) for day in starts]
    usages = [
        measure(meter, read.usages[0], period, carried=read.carried)
        for period in periods
        for read in [_read(session, organization_id, meter, [period], None)]
    ]
    edges = stored_reports.find_first_and_last(session, organization_id, meter_id)
    event_count, customer_count = stored_reports.count_recorded(session, organization_id, meter_id)
    return MeterStatistics(
        meter_id=meter_id,
        event_count=event_count,
        customer_count=customer_count,
        first_event_at=edges[0] if edges else None,
        last_event_at=edges[1] if edges else None,
        today=usages[0],
        this_week=usages[1],
        this_month=usages[2],
    )


def query_customer_usage(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    query: UsageQuery,
    *,
    now: datetime,
) -> CustomerUsage:
    """A customer's usage in a span on every meter that saw any. Raises NotFound, InvalidInput."""
    customer = get_customer(session, organization_id, customer_id)
    zone = stored_organizations.get_organization(session, organization_id).timezone
    present = present_of(session, organization_id, customer.test_clock_id, now=now)
    asked = resolve(query, zone, now=present)
    used = stored_reports.list_used_meters(session, organization_id, customer_id, asked.period)
    found = measure_meters(session, organization_id, customer_id, used, asked.period)
    return CustomerUsage(
        starts_at=asked.period.starts_at,
        shown_end=asked.shown_end,
        meters=tuple(
            replace(one, shown_end=asked.shown_end) for one in found if one.event_count or one.usage
        ),
    )


def select_events(
    session: Session, organization_id: UUID, selection: EventSelection, query: UsageQuery
) -> EventSelection:
    """The selection narrowed to a span, whose absent bounds leave it open. Raises InvalidInput."""
    zone = stored_organizations.get_organization(session, organization_id).timezone
    starts_at = first_instant(query.starts, zone) if query.starts else None
    ends_at = end_of(query.ends, zone)[0] if query.ends else None
    if starts_at is not None and ends_at is not None:
        require_order(starts_at, ends_at)
    return replace(selection, starts_at=starts_at, ends_at=ends_at)


def measure_meters(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    meter_ids: Sequence[UUID],
    period: Period,
) -> list[MeterUsage]:
    """A customer's usage on the meters named in a period, in the order of the meters' creation."""
    found = stored_meters.list_meters_by_id(session, organization_id, meter_ids)
    meters = sorted(found.values(), key=lambda one: (one.created_at, one.id))
    reads = _read_all(session, organization_id, meters, [period], customer_id)
    return [
        MeterUsage(
            meter=meter,
            usage=measure(meter, read.usages[0], period, carried=read.carried),
            event_count=read.usages[0].tally.event_count,
            customer_count=read.usages[0].customer_count,
            starts_at=period.starts_at,
            shown_end=period.ends_at,
        )
        for meter, read in zip(meters, reads, strict=True)
    ]


def measure(meter: Meter, usage: PeriodUsage, period: Period, *, carried: Decimal) -> Decimal:
    """What a meter makes of a period's events, as people are shown it."""
    aggregation = Aggregation(meter.aggregation_type)
    return shortest(conclude(aggregation, usage.tally, period, carried=carried))


def get_meter(session: Session, organization_id: UUID, meter_id: UUID) -> Meter:
    """The meter, deleted or not: its events stay. Raises NotFound ``meter_not_found``."""
    return require_meter(
        stored_meters.find_meter(session, organization_id, meter_id), may_be_deleted=True
    )


def get_customer(session: Session, organization_id: UUID, customer_id: UUID) -> Customer:
    """The customer. Raises NotFound ``customer_not_found``, also for a deleted one."""
    return require_customer(stored_customers.find_customer(session, organization_id, customer_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    usages: list[PeriodUsage]
    carried: Decimal


def _read(
    session: Session,
    organization_id: UUID,
    meter: Meter,
    periods: Sequence[Period],
    customer_id: UUID | None,
) -> _Read:
    """Read periods, and the level in force when the first of them starts."""
    [read] = _read_all(session, organization_id, [meter], periods, customer_id)
    return read


def _read_all(
    session: Session,
    organization_id: UUID,
    meters: Sequence[Meter],
    periods: Sequence[Period],
    customer_id: UUID | None,
) -> list[_Read]:
    """As :func:`_read`, of each of these meters, by one statement."""
    wanted = [[*periods, *_before(meter, periods[0])] for meter in meters]
    usages = iter(
        stored_reports.read_spans(
            session,
            organization_id,
            [(meter.id, one) for meter, its in zip(meters, wanted, strict=True) for one in its],
            customer_id=customer_id,
            distinct=any(
                Aggregation(meter.aggregation_type).definition.uses_distinct_values
                for meter in meters
            ),
        )
    )
    reads = []
    for meter, its in zip(meters, wanted, strict=True):
        found = [next(usages) for _ in its]
        carried = _carry(meter, ZERO, found.pop()) if meter.carry_forward else ZERO
        reads.append(_Read(usages=found, carried=carried))
    return reads


def _before(meter: Meter, first: Period) -> list[Period]:
    """All that was before, of a meter whose level goes on; nothing of any other."""
    return [Period(starts_at=BEGINNING, ends_at=first.starts_at)] if meter.carry_forward else []


def _carry(meter: Meter, carried: Decimal, usage: PeriodUsage) -> Decimal:
    """The level in force after a span, given the one before it."""
    if not meter.carry_forward:
        return ZERO
    return level_after(Aggregation(meter.aggregation_type), usage.tally, carried=carried)
