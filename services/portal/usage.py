"""A subscription's usage by calendar unit, as charts show it: one statement for all meters."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlmodel import Session

from billing.metering.aggregations import MeterTerms
from billing.money import ZERO
from billing.periods import Period
from billing.rating.terms import PlanTerms
from billing.rating.wording import shown_number
from models.subscriptions.subscriptions import Subscription
from repositories.usage.period_usage import UsagePart, read_usage
from services.usage.calendar import Grouping, split
from services.usage.measure import list_spans, read_usage_of

MOST_METERS: Final = 6
"""So many have a chart."""

_LONGEST: Final = (
    (timedelta(days=2), Grouping.HOUR),
    (timedelta(days=45), Grouping.DAY),
    (timedelta(days=200), Grouping.WEEK),
)
"""The unit that a period of at most so long is shown by; a longer one, by months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageBar:
    """What was used in one calendar unit; nothing in one that is still to come."""

    period: Period
    usage: Decimal
    is_to_come: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartedUsage:
    """A meter's usage in the running period, whole and by calendar unit."""

    name: str
    unit: str | None
    grouping: Grouping
    total: Decimal
    bars: tuple[UsageBar, ...]


def chart_usage(
    session: Session, subscription: Subscription, terms: PlanTerms, *, at: datetime
) -> list[ChartedUsage]:
    """The usage of the running period up to ``at``, on the meters that the plan charges."""
    span = Period(
        starts_at=subscription.current_period_start, ends_at=subscription.current_period_end
    )
    meters = _charged(terms)
    if at <= span.starts_at or not meters:
        return []
    grouping = grouping_of(span)
    units = [one for _, one in split(span, grouping, subscription.timezone)]
    # The whole period is measured like a unit of it: not every aggregation adds up.
    periods = [_until(one, at) for one in (*units, span)]
    whose = (subscription.organization_id, subscription.customer_id)
    spans = [
        one
        for number, meter in enumerate(meters)
        for place, period in enumerate(periods, start=number * len(periods))
        if period is not None
        for one in list_spans(meter, period, place)
    ]
    _, parts = read_usage(session, [(*whose, spans)])
    of_place: dict[int, list[UsagePart]] = defaultdict(list)
    for part in parts:
        of_place[part.place // 2].append(part)
    charted = []
    for number, meter in enumerate(meters):
        usages = [
            ZERO
            if period is None
            else shown_number(read_usage_of(meter, period, of_place[place], place))
            for place, period in enumerate(periods, start=number * len(periods))
        ]
        bars = tuple(
            UsageBar(period=unit, usage=usage, is_to_come=period is None)
            for unit, usage, period in zip(units, usages, periods, strict=False)
        )
        charted.append(
            ChartedUsage(
                name=meter.name, unit=meter.unit, grouping=grouping, total=usages[-1], bars=bars
            )
        )
    return charted


def grouping_of(span: Period) -> Grouping:
    """The calendar unit by which a period is shown: at most some fifty bars."""
    length = span.ends_at - span.starts_at
    return next((unit for longest, unit in _LONGEST if length <= longest), Grouping.MONTH)


def _charged(terms: PlanTerms) -> list[MeterTerms]:
    meters = {
        charge.meter.meter_id: charge.meter for charge in terms.charges if charge.meter is not None
    }
    return [*meters.values()][:MOST_METERS]


def _until(unit: Period, at: datetime) -> Period | None:
    """The part of a unit that has been, None if nothing of it has."""
    if unit.starts_at >= at:
        return None
    return Period(starts_at=unit.starts_at, ends_at=min(unit.ends_at, at))
