"""Short ways to make the values that the tests speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from billing.identifiers import ChargeId, FeatureId, MeterId, PlanId
from billing.metering.aggregations import Aggregation, MeterTerms
from billing.money import find_currency
from billing.periods import Anchor, Interval, Period, period
from billing.pricing import Flat, Pricing, Tier
from billing.pricing.graduated import Graduated
from billing.pricing.per_unit import PerUnit
from billing.rating.lines import PricedLine
from billing.rating.periods import rate_period
from billing.rating.quantities import (
    ChargeQuantity,
    MeteredUsage,
    measure_quantities,
    usage_windows,
)
from billing.rating.terms import (
    ChargeTerms,
    ChargeType,
    FeatureTerms,
    FeatureType,
    OverLimit,
    PlanTerms,
    PlanType,
)

METER = MeterId(UUID(int=1))
CHARGE = ChargeId(UUID(int=2))
FIXED_CHARGE = ChargeId(UUID(int=3))
PLAN = PlanId(UUID(int=4))
FEATURE = FeatureId(UUID(int=5))

USD = find_currency("USD")
JANUARY = Period(
    starts_at=datetime(2025, 1, 1, tzinfo=UTC), ends_at=datetime(2025, 2, 1, tzinfo=UTC)
)
ANCHOR = Anchor(starts_at=JANUARY.starts_at)


def d(text: str | int) -> Decimal:
    """Give the decimal of a text."""
    return Decimal(text)


def utc(text: str) -> datetime:
    """Give the instant of an ISO text; without an offset it is UTC."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def tiers(*rows: tuple[str | None, str] | tuple[str | None, str, str]) -> tuple[Tier, ...]:
    """Give tiers from (up_to, unit_price[, flat_fee]) texts."""
    return tuple(
        Tier(
            up_to=None if row[0] is None else Decimal(row[0]),
            unit_price=Decimal(row[1]),
            flat_fee=Decimal(row[2]) if len(row) == 3 else Decimal(0),
        )
        for row in rows
    )


DOCUMENTED_TIERS = Graduated(tiers=tiers(("1000", "0.002"), ("10000", "0.001"), (None, "0.0005")))
PER_CALL = PerUnit(unit_price=Decimal("0.001"))


def meter(
    aggregation: Aggregation = Aggregation.SUM,
    meter_id: MeterId = METER,
    unit: str | None = "calls",
) -> MeterTerms:
    """Give a meter called API Calls."""
    return MeterTerms(meter_id=meter_id, name="API Calls", aggregation=aggregation, unit=unit)


def usage_charge(
    pricing: Pricing = PER_CALL,
    *,
    charge_id: ChargeId = CHARGE,
    aggregation: Aggregation = Aggregation.SUM,
    meter_id: MeterId = METER,
    included: str | None = None,
    minimum: str | None = None,
    maximum: str | None = None,
    display_name: str | None = None,
) -> ChargeTerms:
    """Give a USAGE charge on the API Calls meter."""
    return ChargeTerms(
        charge_id=charge_id,
        type=ChargeType.USAGE,
        pricing=pricing,
        meter=meter(aggregation, meter_id),
        display_name=display_name,
        included_units=None if included is None else Decimal(included),
        minimum=None if minimum is None else Decimal(minimum),
        maximum=None if maximum is None else Decimal(maximum),
    )


def fixed_charge(amount: str = "30", display_name: str | None = "Platform fee") -> ChargeTerms:
    """Give a FIXED charge."""
    return ChargeTerms(
        charge_id=FIXED_CHARGE,
        type=ChargeType.FIXED,
        pricing=Flat(amount=Decimal(amount)),
        unit_price=Decimal(amount),
        display_name=display_name,
    )


def limit(
    usage_limit: str | None = "1000",
    *,
    reset: Interval | None = Interval.MONTH,
    soft: bool = False,
    over: OverLimit = OverLimit.BILL,
    reject: bool = False,
    enabled: bool = True,
    meter_id: MeterId = METER,
) -> FeatureTerms:
    """Give a feature that limits the API Calls meter."""
    return FeatureTerms(
        feature_id=FEATURE,
        lookup_key="api_calls",
        name="API Calls",
        type=FeatureType.METER,
        meter_id=meter_id,
        usage_limit=None if usage_limit is None else Decimal(usage_limit),
        usage_reset_period=reset,
        is_soft_limit=soft,
        over_limit=over,
        reject_over_limit=reject,
        is_enabled=enabled,
    )


def plan(
    *charges: ChargeTerms,
    features: Sequence[FeatureTerms] = (),
    interval: Interval = Interval.MONTH,
    count: int = 1,
    currency: str = "USD",
    kind: PlanType = PlanType.HYBRID,
) -> PlanTerms:
    """Give a plan version with these charges."""
    return PlanTerms(
        plan_id=PLAN,
        version=1,
        name="Pay as you go",
        type=kind,
        currency=currency,
        interval=interval,
        interval_count=count,
        charges=charges,
        features=tuple(features),
    )


def answer(
    terms: PlanTerms,
    span: Period,
    quantities: Sequence[str | Decimal],
    *,
    anchor: Anchor = ANCHOR,
    events: int = 1,
) -> tuple[MeteredUsage, ...]:
    """Answer the usage windows of a period, in their order, with these aggregates."""
    return tuple(
        MeteredUsage(
            charge_id=window.charge_id,
            window=window,
            aggregate=Decimal(quantity),
            event_count=events,
        )
        for window, quantity in zip(usage_windows(terms, span, anchor), quantities, strict=True)
    )


def first_period(terms: PlanTerms, anchor: Anchor = ANCHOR) -> Period:
    """Give period 0."""
    return period(anchor, terms.cadence, 0)


def rated(
    terms: PlanTerms,
    *quantities: str,
    span: Period = JANUARY,
    anchor: Anchor = ANCHOR,
    events: int = 1,
) -> PricedLine:
    """The first line of a plan for these amounts of usage, one per window."""
    usage = answer(terms, span, quantities, anchor=anchor, events=events)
    return rate_period(terms, span, usage)[0]


def measured(
    terms: PlanTerms, *quantities: str, span: Period = JANUARY, anchor: Anchor = ANCHOR
) -> ChargeQuantity:
    """The first charge's quantities for these amounts of usage, one per window."""
    return measure_quantities(terms, span, answer(terms, span, quantities, anchor=anchor))[0]


def unmeasured(count: int) -> MeteredUsage:
    return replace(answer(plan(usage_charge()), JANUARY, ["1"])[0], event_count=count)
