"""The pipeline: usage to lines, against a second model and against worked numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvariantBroken
from billing.identifiers import ChargeId, MeterId
from billing.invoicing.invoices import assemble_invoice
from billing.invoicing.receipts import canonical_bytes
from billing.invoicing.taxes import Address
from billing.money import Currency, find_currency
from billing.periods import Interval, Period
from billing.pricing import UsagePricing
from billing.pricing.package import Package
from billing.pricing.percentage import Percentage
from billing.rating.lines import LineType
from billing.rating.periods import price_quantities, rate_period
from billing.rating.quantities import MeteredUsage, measure_quantities, usage_windows
from billing.rating.terms import OverLimit, PlanType
from tests.billing import naive
from tests.billing.builders import (
    ANCHOR,
    CHARGE,
    DOCUMENTED_TIERS,
    JANUARY,
    METER,
    PER_CALL,
    answer,
    d,
    fixed_charge,
    limit,
    plan,
    rated,
    usage_charge,
    utc,
)
from tests.billing.profiles import thorough
from tests.billing.strategies import decimals, models

QUARTER = Period(starts_at=utc("2025-01-01"), ends_at=utc("2025-04-01"))
OTHER_CHARGE = ChargeId(UUID(int=20))
OTHER_METER = MeterId(UUID(int=21))


small = st.one_of(st.integers(0, 70).map(Decimal), decimals(70, 2))


optional_bounds = st.one_of(st.none(), decimals(60, 2))


@thorough
@given(
    pricing=models,
    quantities=st.tuples(small, small, small),
    included=st.one_of(st.just(Decimal(0)), small),
    hard_limit=st.one_of(st.none(), small),
    waive=st.booleans(),
    minimum=optional_bounds,
    currency=st.sampled_from([find_currency(code) for code in ("JPY", "USD", "KWD")]),
    events=st.integers(1, 4),
)
def test_rating_agrees_with_the_naive_model(
    *,
    pricing: UsagePricing,
    quantities: tuple[Decimal, Decimal, Decimal],
    included: Decimal,
    hard_limit: Decimal | None,
    waive: bool,
    minimum: Decimal | None,
    currency: Currency,
    events: int,
) -> None:
    maximum = None if minimum is None else minimum * 2
    charge = replace(
        usage_charge(pricing), included_units=included, minimum=minimum, maximum=maximum
    )
    over = OverLimit.WAIVE if waive else OverLimit.BILL
    terms = plan(
        charge,
        features=[replace(limit(None, over=over), usage_limit=hard_limit)],
        interval=Interval.QUARTER,
        currency=currency.code,
    )
    has_windows = included > 0 or hard_limit is not None
    answers = quantities if has_windows else (sum(quantities, d(0)),)

    usage = answer(terms, QUARTER, answers, events=events)
    lines = rate_period(terms, QUARTER, usage)
    total = assemble_invoice(lines, [], Address(), currency).total

    expected = naive.line_total(
        pricing.document(),
        [(Fraction(quantity), events) for quantity in answers],
        included=Fraction(included),
        hard_limit=None if hard_limit is None else Fraction(hard_limit),
        waive=waive,
        minimum=None if minimum is None else Fraction(minimum),
        maximum=None if maximum is None else Fraction(maximum),
        places=currency.exponent,
    )
    assert Fraction(total) == expected


@thorough
@given(models, small, small)
def test_invariant_08_usage_below_the_allowance_costs_nothing_more(
    pricing: UsagePricing, usage: Decimal, more: Decimal
) -> None:
    terms = plan(replace(usage_charge(pricing), included_units=usage + more))

    line = rated(terms, *((str(usage),) * len(usage_windows(terms, JANUARY, ANCHOR))), events=1)

    nothing = rate_period(terms, JANUARY, answer(terms, JANUARY, [d(0)] * 1, events=0))[0]
    fee = pricing.fixed_fee if isinstance(pricing, Percentage) else d(0)
    assert line.exact_amount == nothing.exact_amount + fee, "but for the fee of each event"
    assert line.quantity == 0


@thorough
@given(models, st.tuples(small, small, small), st.integers(0, 2), small)
def test_invariant_22_the_same_inputs_make_the_same_bytes(
    pricing: UsagePricing, quantities: tuple[Decimal, ...], turn: int, included: Decimal
) -> None:
    terms = plan(
        replace(usage_charge(pricing), included_units=included + 1),
        features=[limit("40")],
        interval=Interval.QUARTER,
    )
    usage = answer(terms, QUARTER, quantities)

    first = canonical_bytes(rate_period(terms, QUARTER, usage))
    with localcontext(Context(prec=4)):
        again = canonical_bytes(rate_period(terms, QUARTER, usage[turn:] + usage[:turn]))

    assert first == again


def test_the_main_example() -> None:
    terms = plan(
        usage_charge(PER_CALL, display_name="API calls ($0.001 each)"), kind=PlanType.USAGE
    )

    line = rated(terms, "82450", events=82_450)

    assert (line.type, line.currency, line.model) == (LineType.USAGE, "USD", "per_unit")
    assert (line.name, line.description) == ("API Calls", "API calls ($0.001 each)")
    assert (line.quantity, line.unit_amount, line.unit) == (82450, d("0.001"), "calls")
    assert (line.usage_quantity, line.included_quantity) == (82450, 0)
    assert (line.exact_amount, line.event_count) == (d("82.45"), 82450)
    assert (line.starts_at, line.ends_at) == (JANUARY.starts_at, JANUARY.ends_at)
    assert (line.charge_id, line.meter_id) == (CHARGE, METER)
    assert (line.limit_exceeded, line.over_limit_quantity, line.share) == (False, None, None)
    assert (line.tiers, line.bound, line.is_taxable) == ((), None, True)
    assert (line.package_size, line.package_price, line.package_count) == (None, None, None)
    assert (line.rate, line.fixed_fee, line.waived_quantity) == (None, None, None)
    assert [(one.name, dict(one.inputs), one.output) for one in line.steps] == [
        ("aggregate", {"aggregation": "SUM", "event_count": "82450", "windows": "1"}, "82450"),
        ("included_units", {"measured": "82450", "included": "0"}, "82450"),
        ("price", {"model": "per_unit", "quantity": "82450", "unit_price": "0.001"}, "82.45"),
    ]


def test_the_documented_tiers() -> None:
    line = rated(plan(usage_charge(DOCUMENTED_TIERS)), "15000")

    assert (line.exact_amount, line.unit_amount, line.model) == (d("13.5"), None, "graduated")
    assert [tier.amount for tier in line.tiers] == [2, 9, d("2.5")]
    assert dict(line.steps[-1].inputs) == {"model": "graduated", "quantity": "15000", "tiers": "3"}
    assert line.description == "API Calls"


def test_the_documented_free_tier() -> None:
    line = rated(plan(usage_charge(), features=[limit("1000")]), "1500")

    assert (line.quantity, line.usage_quantity, line.included_quantity) == (500, 1500, 1000)
    assert line.exact_amount == d("0.5")
    assert (line.limit_exceeded, line.over_limit_quantity) == (True, 500)
    assert dict(line.steps[1].inputs) == {"measured": "1500", "included": "1000"}
    assert line.steps[1].output == "500"


def test_zero_usage_makes_a_line() -> None:
    line = rated(plan(usage_charge(), features=[limit("1000")]), "0", events=0)

    assert (line.quantity, line.usage_quantity, line.included_quantity) == (0, 0, 0)
    assert (line.exact_amount, line.limit_exceeded) == (0, False)


def test_package_and_percentage_lines_show_their_parts() -> None:
    package = rated(plan(usage_charge(Package(package_size=d(100), unit_price=d(5)))), "101")
    share = rated(
        plan(usage_charge(Percentage(rate=d("0.029"), fixed_fee=d("0.3")))), "1000", events=12
    )

    assert (package.package_size, package.package_price, package.package_count) == (100, 5, 2)
    assert dict(package.steps[-1].inputs) == {
        "model": "package", "quantity": "101", "package_size": "100", "packages": "2",
        "unit_price": "5",
    }  # fmt: skip
    assert (share.rate, share.fixed_fee, share.event_count) == (d("0.029"), d("0.3"), 12)
    assert share.exact_amount == d("32.6")
    assert dict(share.steps[-1].inputs) == {
        "model": "percentage", "quantity": "1000", "rate": "0.029", "fixed_fee": "0.3",
        "event_count": "12",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("minimum", "maximum", "amount", "bound"),
    [("10", None, "10", "minimum"), (None, "0.25", "0.25", "maximum"), ("0.1", "1", "0.5", None)],
)
def test_bounds_follow_the_model(
    minimum: str | None, maximum: str | None, amount: str, bound: str | None
) -> None:
    line = rated(plan(usage_charge(minimum=minimum, maximum=maximum)), "500")

    assert (line.exact_amount, line.bound) == (d(amount), bound)
    if bound is not None:
        assert (line.steps[-1].name, line.steps[-1].inputs["amount"]) == (bound, "0.5")
        assert line.steps[-1].output == amount
        assert line.steps[-1].inputs[bound] == amount


def test_lines_keep_the_order_of_the_plan() -> None:
    terms = plan(fixed_charge(), usage_charge())

    types = [line.type for line in rate_period(terms, JANUARY, answer(terms, JANUARY, ["1"]))]

    assert types == [LineType.FIXED, LineType.USAGE]


def _broken(usage: Sequence[MeteredUsage]) -> list[list[MeteredUsage]]:
    first, second, third = usage
    moved = replace(
        first, window=replace(first.window, starts_at=first.window.starts_at.replace(hour=1))
    )
    return [
        [],
        [first, second],
        [first, third],
        [second, third],
        [*usage, first],
        [moved, second, third],
    ]


def test_usage_that_does_not_tile_the_period_is_a_bug() -> None:
    terms = plan(usage_charge(), features=[limit("1000")], interval=Interval.QUARTER)
    usage = answer(terms, QUARTER, ["1", "2", "3"])

    measure_quantities(terms, QUARTER, usage[::-1])
    for broken in _broken(usage):
        with pytest.raises(InvariantBroken, match="exactly once") as refused:
            measure_quantities(terms, QUARTER, broken)
        assert refused.value.identifiers == {"charge_id": str(CHARGE)}


def test_unmeasured_charges_are_a_bug() -> None:
    with pytest.raises(InvariantBroken, match="not measured") as refused:
        price_quantities(plan(usage_charge()), JANUARY, [])
    assert refused.value.identifiers == {"charge_id": str(CHARGE)}


def test_a_negative_count_of_events_is_a_bug() -> None:
    with pytest.raises(InvariantBroken):
        answer(plan(usage_charge()), JANUARY, ["1"], events=-1)
    assert answer(plan(usage_charge()), JANUARY, ["1"], events=0)


def test_an_empty_period_is_billed_without_usage() -> None:
    empty = Period(starts_at=JANUARY.starts_at, ends_at=JANUARY.starts_at)
    for features in ([], [limit("1000")]):
        terms = plan(usage_charge(), features=features)
        assert rated(terms, "0", span=empty).exact_amount == 0


def test_a_line_says_the_unit_of_its_meter_in_words_and_as_a_code() -> None:
    charge = usage_charge()
    assert charge.meter is not None
    terms = plan(replace(charge, meter=replace(charge.meter, unit="calls", unit_code="C62")))

    line = rated(terms, "1")

    assert (line.unit, line.unit_code) == ("calls", "C62")
    assert rated(plan(charge), "1").unit_code is None
