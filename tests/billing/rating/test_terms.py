"""Terms: which charges and plans can be priced at all."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from billing.errors import InvalidInput
from billing.identifiers import ChargeId, MeterId
from billing.invoicing.receipts import canonical_document, from_document, to_document
from billing.metering.aggregations import Aggregation
from billing.periods import Interval, Period
from billing.pricing.percentage import Percentage
from billing.rating.terms import ChargeTerms, ChargeType, PlanType, Shortfall
from billing.units import Unit
from tests.billing.builders import (
    d,
    first_period,
    fixed_charge,
    limit,
    plan,
    usage_charge,
    utc,
)

QUARTER = Period(starts_at=utc("2025-01-01"), ends_at=utc("2025-04-01"))
OTHER_CHARGE = ChargeId(UUID(int=20))
OTHER_METER = MeterId(UUID(int=21))


TOKENS = Unit(code="TOKENS", scale=0)


def charge_of(**changes: object) -> ChargeTerms:
    return replace(usage_charge(), **changes)  # type: ignore[arg-type]  # what a test says by name


BAD_CHARGES: list[tuple[dict[str, object], str]] = [
    ({"type": ChargeType.FIXED}, "pricing"),
    ({"pricing": fixed_charge().pricing}, "pricing"),
    ({"meter": None}, "meter_id"),
    ({"type": ChargeType.FIXED, "pricing": fixed_charge().pricing}, "meter_id"),
    ({"minimum": d(2), "maximum": d(1)}, "minimum"),
    ({"minimum": d(-1)}, "minimum"),
    ({"maximum": d(-1)}, "maximum"),
    ({"included_units": d(-1)}, "included_units"),
    ({"unit_price": d(-1)}, "unit_price"),
    ({"unit_price": 0.1}, "unit_price"),
    ({"overage_rate": d("0.1")}, "overage_rate"),
    ({"unit": TOKENS}, "overage_rate"),
    ({"unit": TOKENS, "overage_rate": d(-1)}, "overage_rate"),
    ({"unit": Unit(code="EUR", scale=2), "overage_rate": d(1)}, "unit"),
]


@pytest.mark.parametrize(("changes", "field"), BAD_CHARGES)
def test_charges_that_cannot_be_priced_are_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        charge_of(**changes)
    assert refused.value.field == field


def test_what_no_credit_pays_has_a_price_or_is_blocked() -> None:
    assert charge_of(unit=TOKENS, overage_rate=d("0.002")).shortfall is Shortfall.INVOICE
    assert charge_of(unit=TOKENS, shortfall=Shortfall.BLOCK).overage_rate is None
    assert charge_of(shortfall=Shortfall.BLOCK).unit is None
    with pytest.raises(InvalidInput) as refused:
        replace(fixed_charge(), shortfall=Shortfall.BLOCK)
    assert refused.value.field == "shortfall"


def test_terms_that_say_nothing_of_credit_keep_their_digest() -> None:
    assert "shortfall" not in str(canonical_document(usage_charge()))
    whole = charge_of(unit=TOKENS, shortfall=Shortfall.BLOCK)
    assert from_document(ChargeTerms, to_document(whole)) == whole


def test_percentages_need_a_sum() -> None:
    usage_charge(Percentage(rate=d("0.1")))
    for aggregation in set(Aggregation) - {Aggregation.SUM}:
        with pytest.raises(InvalidInput) as refused:
            usage_charge(Percentage(rate=d("0.1")), aggregation=aggregation)
        assert refused.value.field == "pricing.model"


def test_equal_bounds_are_a_price() -> None:
    assert charge_of(minimum=d(1), maximum=d(1)).minimum == 1


@pytest.mark.parametrize(
    ("kind", "charge", "is_accepted"),
    [(PlanType.FIXED, fixed_charge(), True), (PlanType.FIXED, usage_charge(), False),
     (PlanType.USAGE, usage_charge(), True), (PlanType.USAGE, fixed_charge(), False),
     (PlanType.HYBRID, usage_charge(), True), (PlanType.HYBRID, fixed_charge(), True)],
)  # fmt: skip
def test_plan_types_hold_their_charges(
    kind: PlanType, charge: ChargeTerms, is_accepted: bool
) -> None:
    if is_accepted:
        assert plan(charge, kind=kind).charges == (charge,)
        return
    with pytest.raises(InvalidInput) as refused:
        plan(charge, kind=kind)
    assert refused.value.field == "charges.0.type"


def test_windows_of_levels_must_be_the_billing_period() -> None:
    peak = usage_charge(aggregation=Aggregation.MAX)
    plan(peak, features=[limit("5", reset=Interval.MONTH)])
    plan(peak, features=[limit("5", reset=None)], count=3)
    plan(peak, features=[limit(None, reset=Interval.DAY)])
    plan(replace(peak, included_units=d(3)), count=3)
    for features in (
        [limit("5", reset=Interval.DAY)],
        [limit("5", soft=True, reset=Interval.YEAR)],
    ):
        with pytest.raises(InvalidInput, match="MAX") as refused:
            plan(fixed_charge(), peak, features=features)
        assert refused.value.field == "charges.1.included_units"
    with pytest.raises(InvalidInput):
        plan(peak, features=[limit("5", reset=Interval.MONTH)], count=3)


def test_unknown_currencies_are_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        plan(currency="XXX")
    assert refused.value.field == "currency"


def test_a_period_of_two_months_ends_two_months_later() -> None:
    assert first_period(plan(count=2)).ends_at == utc("2025-03-01")
