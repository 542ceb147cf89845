"""Terms: which charges and plans can be priced at all."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from billing.errors import InvalidInput
from billing.identifiers import ChargeId, MeterId
from billing.invoicing.receipts import canonical_document, from_document, to_document
from billing.metering.aggregations import Aggregation
from billing.periods import Cadence, Interval, Period
from billing.pricing.percentage import Percentage
from billing.rating.terms import (
    ChargeTerms,
    ChargeType,
    PlanType,
    Shortfall,
    find_allowance,
    find_reset_cadence,
    require_paid_or_blocked,
)
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


DOLLARS = Unit(code="USD", scale=2)
PAID_OR_BLOCKED: list[tuple[ChargeType, Unit | None, str | None, Shortfall, str | None]] = [
    (ChargeType.USAGE, None, None, Shortfall.INVOICE, None),
    (ChargeType.USAGE, None, None, Shortfall.BLOCK, None),
    (ChargeType.USAGE, None, "1", Shortfall.INVOICE, "overage_rate"),
    (ChargeType.USAGE, None, "1", Shortfall.BLOCK, "overage_rate"),
    (ChargeType.USAGE, None, "0", Shortfall.INVOICE, "overage_rate"),
    (ChargeType.USAGE, TOKENS, None, Shortfall.INVOICE, "overage_rate"),
    (ChargeType.USAGE, TOKENS, None, Shortfall.BLOCK, None),
    (ChargeType.USAGE, TOKENS, "0", Shortfall.INVOICE, None),
    (ChargeType.USAGE, TOKENS, "1", Shortfall.INVOICE, None),
    (ChargeType.USAGE, TOKENS, "1", Shortfall.BLOCK, None),
    (ChargeType.USAGE, DOLLARS, "1", Shortfall.INVOICE, "unit"),
    (ChargeType.USAGE, DOLLARS, None, Shortfall.BLOCK, "unit"),
    (ChargeType.FIXED, None, None, Shortfall.INVOICE, None),
    (ChargeType.FIXED, None, None, Shortfall.BLOCK, "shortfall"),
    (ChargeType.FIXED, TOKENS, None, Shortfall.INVOICE, "overage_rate"),
    (ChargeType.FIXED, TOKENS, "1", Shortfall.INVOICE, None),
    (ChargeType.FIXED, TOKENS, "1", Shortfall.BLOCK, "shortfall"),
    (ChargeType.FIXED, DOLLARS, "1", Shortfall.BLOCK, "unit"),
]


@pytest.mark.parametrize(("kind", "unit", "rate", "shortfall", "field"), PAID_OR_BLOCKED)
def test_what_is_used_is_paid_in_money_in_units_or_blocked(
    *,
    kind: ChargeType,
    unit: Unit | None,
    rate: str | None,
    shortfall: Shortfall,
    field: str | None,
) -> None:
    overage_rate = None if rate is None else d(rate)

    if field is None:
        require_paid_or_blocked(kind, unit, overage_rate=overage_rate, shortfall=shortfall)
        return
    with pytest.raises(InvalidInput) as refused:
        require_paid_or_blocked(kind, unit, overage_rate=overage_rate, shortfall=shortfall)
    assert (refused.value.code, refused.value.field) == ("invalid_charge", field)


@pytest.mark.parametrize(
    ("soft", "enabled", "reject", "hard_limit", "refuses"),
    [
        (False, True, False, 1000, False),
        (False, True, True, 1000, True),
        (True, True, True, None, False),
        (False, False, True, None, False),
        (True, False, False, None, False),
    ],
)
def test_only_a_hard_limit_of_an_enabled_feature_refuses_usage(
    *, soft: bool, enabled: bool, reject: bool, hard_limit: int | None, refuses: bool
) -> None:
    feature = limit("1000", soft=soft, enabled=enabled, reject=reject)

    assert (feature.hard_limit, feature.refuses_usage) == (hard_limit, refuses)
    assert not limit(None, reject=True).refuses_usage


@pytest.mark.parametrize("reset", Interval)
def test_an_allowance_resets_by_its_own_interval_and_else_with_the_billing_period(
    reset: Interval,
) -> None:
    terms = plan(usage_charge(), features=[limit("5", reset=reset)], count=3)

    assert find_reset_cadence(terms, terms.features[0]) == Cadence(interval=reset)
    assert find_allowance(terms, terms.charges[0]).cadence == Cadence(interval=reset)
    monthly = limit("5", reset=None)
    assert find_reset_cadence(terms, monthly) == Cadence(interval=Interval.MONTH, count=3)


def test_the_first_of_two_features_on_a_meter_gives_the_allowance() -> None:
    terms = plan(usage_charge(), features=[limit("5", enabled=False), limit("7"), limit("9")])

    assert find_allowance(terms, terms.charges[0]).units == 7


def test_an_own_allowance_of_a_charge_keeps_the_limit_of_its_feature() -> None:
    terms = plan(usage_charge(included="200"), features=[limit("1000")])

    found = find_allowance(terms, terms.charges[0])

    assert (found.units, found.hard_limit, found.has_windows) == (200, 1000, True)
    none = plan(usage_charge(included="0"))
    assert not find_allowance(none, none.charges[0]).has_windows
