"""What a price says besides its amount, how it is worded, and how models hang together."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.metering.tallies import Aggregation
from billing.money import plain_text
from billing.pricing import (
    MODELS,
    Flat,
    Pricing,
    StepInputs,
    Tier,
    describe_price,
    find_misfit,
    parse_pricing,
    resolve_pricing,
)
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.per_unit import PerUnit
from billing.pricing.percentage import Percentage
from billing.pricing.stairstep import Stairstep
from billing.pricing.volume import Volume
from billing.ratios import Exact, Ratio
from tests.billing.builders import DOCUMENTED_TIERS, PER_CALL, d, tiers
from tests.billing.profiles import supporting
from tests.billing.strategies import graduated, packages, percentages, prices, quantities

FEES = tiers(("100", "0", "10"), (None, "0", "50"))
PACKAGE = Package(package_size=d(100), unit_price=d(5))
CARD = Percentage(rate=d("0.029"), fixed_fee=d("0.3"))

SAID: list[tuple[Pricing, str, int, Mapping[str, object], Mapping[str, object]]] = [
    (Flat(amount=d(30)), "7", 9, {"unit_price": 30}, {"unit_amount": 30}),
    (PER_CALL, "1000", 9, {"unit_price": d("0.001")}, {"unit_amount": d("0.001")}),
    (PACKAGE, "101", 9, {"package_size": 100, "packages": 2, "unit_price": 5},
     {"package_size": 100, "package_price": 5, "package_count": 2}),
    (CARD, "1000", 12, {"rate": d("0.029"), "fixed_fee": d("0.3"), "event_count": 12},
     {"rate": d("0.029"), "fixed_fee": d("0.3")}),
    (DOCUMENTED_TIERS, "1000", 9, {"tiers": 1}, {}),
    (DOCUMENTED_TIERS, "1000.001", 9, {"tiers": 2}, {}),
    (DOCUMENTED_TIERS, "15000", 9, {"tiers": 3}, {}),
    (Volume(tiers=DOCUMENTED_TIERS.tiers), "15000", 9, {"tiers": 1}, {}),
    (Stairstep(tiers=FEES), "101", 9, {"tiers": 1}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("pricing", "quantity", "events", "inputs", "shown"), SAID)
def test_a_price_says_what_it_was_made_of_and_what_its_line_shows(
    pricing: Pricing,
    quantity: str,
    events: int,
    inputs: Mapping[str, object],
    shown: Mapping[str, object],
) -> None:
    found = pricing.price(d(quantity), events)

    assert dict(found.inputs) == inputs
    assert dict(found.line_values) == shown


@pytest.mark.parametrize(
    ("pricing", "quantity", "amount"),
    [
        pytest.param(PerUnit(unit_price=d("0.3")), Ratio(1, 3), d("0.1"), id="per unit"),
        pytest.param(PerUnit(unit_price=d(1)), Ratio(1, 3), Ratio(1, 3), id="per unit, no end"),
        pytest.param(PACKAGE, Ratio(100, 3), d(5), id="a package begun"),
        pytest.param(PACKAGE, Ratio(301, 3), d(10), id="a third beyond a package"),
        pytest.param(Package(package_size=d("0.5"), unit_price=d(1)), d("1.01"), d(3), id="halves"),
        pytest.param(Package(package_size=d("0.1"), unit_price=d(1)), d("0.3"), d(3), id="tenths"),
        pytest.param(CARD, Ratio(1000, 29), d("1.6"), id="a percentage and two fees"),
        pytest.param(DOCUMENTED_TIERS, Ratio(3001, 3), Ratio(6001, 3000), id="a third into a tier"),
        pytest.param(Volume(tiers=tiers(("10", "3"), (None, "2"))), Ratio(31, 3), Ratio(62, 3),
                     id="a third above a bound"),
        pytest.param(Volume(tiers=tiers(("10", "3"), (None, "2"))), Ratio(29, 3), d(29),
                     id="a third below it"),
        pytest.param(Stairstep(tiers=FEES), Ratio(301, 3), d(50), id="a third above a step"),
        pytest.param(Stairstep(tiers=FEES), Ratio(299, 3), d(10), id="a third below it"),
    ],
)  # fmt: skip
def test_a_quantity_without_a_last_digit_is_priced_exactly(
    pricing: Pricing, quantity: Exact, amount: Exact
) -> None:
    assert pricing.price(quantity, 2).amount == amount


@pytest.mark.parametrize(
    ("model", "inputs", "text"),
    [
        ("per_unit", {"unit_price": "0.001"}, " × $0.001"),
        ("package", {"packages": "1", "package_size": "100", "unit_price": "5"},
         ", 1 package of 100 × $5"),
        ("package", {"packages": "0", "package_size": "100", "unit_price": "5"},
         ", 0 packages of 100 × $5"),
        ("package", {"packages": "13", "package_size": "0.5", "unit_price": "5"},
         ", 13 packages of 0.5 × $5"),
        ("percentage", {"rate": "0.029", "fixed_fee": "0.3", "event_count": "12"},
         " × 2.9% + 12 × $0.3"),
        ("percentage", {"rate": "0.029", "fixed_fee": "0", "event_count": "12"}, " × 2.9%"),
        ("percentage", {"rate": "1", "fixed_fee": "0", "event_count": "12"}, " × 100%"),
        ("graduated", {"tiers": "3"}, ", graduated"),
        ("volume", {"tiers": "1"}, ", volume"),
        ("stairstep", {"tiers": "1"}, ", stairstep"),
        ("flat", {"unit_price": "30"}, ", flat"),
    ],
)  # fmt: skip
def test_a_line_says_behind_its_quantity_how_it_is_priced(
    model: str, inputs: Mapping[str, str], text: str
) -> None:
    shown = StepInputs(
        inputs=inputs, price_text=lambda one: f"${plain_text(one)}", quantity_text=plain_text
    )

    assert describe_price(model, shown) == text


def test_models_are_told_in_their_order_and_fixed_charges_have_none_of_them() -> None:
    assert list(MODELS) == [
        "per_unit", "graduated", "volume", "package", "stairstep", "percentage",
    ]  # fmt: skip
    assert {name: kind.model for name, kind in MODELS.items()} == {name: name for name in MODELS}
    assert Flat.model not in MODELS


@pytest.mark.parametrize("aggregation", [*Aggregation, None])
def test_only_a_percentage_asks_for_a_meter_of_amounts(aggregation: Aggregation | None) -> None:
    sentence = "A percentage needs a SUM meter of amounts."

    assert find_misfit(CARD, aggregation) == (None if aggregation is Aggregation.SUM else sentence)
    for pricing in (PER_CALL, PACKAGE, DOCUMENTED_TIERS, Stairstep(tiers=FEES), Flat(amount=d(1))):
        assert find_misfit(pricing, aggregation) is None


@pytest.mark.parametrize(
    ("document", "code", "field"),
    [
        ({"model": "per_unit", "unit_price": None}, "invalid_number", "x.1.unit_price"),
        ({"model": "per_unit", "unit_price": 0.5}, "invalid_number", "x.1.unit_price"),
        ({"model": "per_unit", "unit_price": True}, "invalid_number", "x.1.unit_price"),
        ({"model": "per_unit", "unit_price": "1e31"}, "number_out_of_range", "x.1.unit_price"),
        ({"model": "package", "package_size": "-1", "unit_price": 1}, "negative_number",
         "x.1.package_size"),
        ({"model": "percentage", "rate": "0.1", "fixed_fee": "x"}, "invalid_number",
         "x.1.fixed_fee"),
        ({"model": "percentage", "rate": "0.1", "fixed_fee": None}, "invalid_number",
         "x.1.fixed_fee"),
        ({"model": "percentage", "fixed_fee": "1"}, "invalid_number", "x.1.rate"),
        ({"model": "volume"}, "invalid_input", "x.1.tiers"),
        ({"model": "volume", "tiers": [{"up_to": "0." + "0" * 20 + "1"}]}, "number_out_of_range",
         "x.1.tiers.0.up_to"),
        ({"model": "graduated", "tiers": [{"up_to": None, "from": "-1"}]}, "invalid_tiers",
         "x.1.tiers.0.from"),
        ({"model": "graduated", "tiers": [{"up_to": -5}, {"up_to": None}]}, "invalid_tiers",
         "x.1.tiers.0.up_to"),
        ({"model": "flat", "amount": 1}, "unknown_price_model", "x.1.model"),
        ({"model": None}, "unknown_price_model", "x.1.model"),
        ("per_unit", "invalid_input", "x.1"),
        (None, "invalid_input", "x.1"),
    ],
)  # fmt: skip
def test_a_refusal_of_a_price_names_its_place_in_the_request(
    document: object, code: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_pricing(document, field="x.1")

    assert (refused.value.code, refused.value.field) == (code, field)


def test_prices_are_finer_than_bounds() -> None:
    finest = "0." + "0" * 29 + "1"

    read = parse_pricing({"tiers": [{"up_to": None, "unit_price": finest, "flat_fee": finest}]})

    assert read == Graduated(tiers=(Tier(up_to=None, unit_price=d(finest), flat_fee=d(finest)),))
    assert parse_pricing({"model": "per_unit", "unit_price": finest}).price(d(10**30 - 1), 0) == (
        PerUnit(unit_price=d(finest)).price(d(10**30 - 1))
    )


def test_a_default_price_is_read_like_any_other() -> None:
    found = resolve_pricing(pricing=None, usage_pricing_rules=None, unit_price=" 1e-3 ")

    assert found == PerUnit(unit_price=d("0.001"))
    for wrong, code in [(0.5, "invalid_number"), ("-1", "negative_number"), ("", "invalid_number")]:
        with pytest.raises(InvalidInput) as refused:
            resolve_pricing(pricing=None, usage_pricing_rules=None, unit_price=wrong)
        assert (refused.value.code, refused.value.field) == (code, "unit_price")


@supporting
@given(prices, quantities, quantities)
def test_units_cost_the_same_together_as_apart(price: Decimal, one: Decimal, two: Decimal) -> None:
    model = PerUnit(unit_price=price)

    assert model.price(one + two).amount == model.price(one).amount + model.price(two).amount


@supporting
@given(percentages, quantities, quantities, st.integers(0, 5), st.integers(0, 5))
def test_a_percentage_of_two_sums_is_that_of_both(
    model: Percentage, one: Decimal, two: Decimal, events: int, more: int
) -> None:
    together = model.price(one + two, events + more).amount

    assert together == model.price(one, events).amount + model.price(two, more).amount


@supporting
@given(packages, quantities, quantities)
def test_packages_bought_together_are_no_more_than_bought_apart(
    model: Package, one: Decimal, two: Decimal
) -> None:
    together = model.count_packages(one + two)
    apart = model.count_packages(one) + model.count_packages(two)

    assert apart - 1 <= together <= apart
    assert together * model.package_size >= one + two > (together - 1) * model.package_size


@supporting
@given(graduated, quantities, quantities)
def test_where_tiers_get_cheaper_it_is_cheaper_together(
    table: Graduated, one: Decimal, two: Decimal
) -> None:
    falling = sorted((tier.unit_price for tier in table.tiers), reverse=True)
    model = Graduated(
        tiers=tuple(
            Tier(up_to=tier.up_to, unit_price=price)
            for tier, price in zip(table.tiers, falling, strict=True)
        )
    )

    apart = model.price(one).amount + model.price(two).amount
    assert model.price(one + two).amount <= apart
    rising = Graduated(
        tiers=tuple(
            Tier(up_to=tier.up_to, unit_price=price)
            for tier, price in zip(table.tiers, falling[::-1], strict=True)
        )
    )
    assert rising.price(one + two).amount >= (rising.price(one).amount + rising.price(two).amount)


@supporting
@given(graduated, quantities)
def test_cutting_a_tier_in_two_of_the_same_price_changes_no_amount(
    table: Graduated, quantity: Decimal
) -> None:
    first = table.tiers[0]
    middle = d("0.5") if first.up_to is None else first.up_to / 2
    cut = Graduated(
        tiers=(
            Tier(up_to=middle, unit_price=first.unit_price, flat_fee=first.flat_fee),
            Tier(up_to=first.up_to, unit_price=first.unit_price),
            *table.tiers[1:],
        )
    )

    assert cut.price(quantity).amount == table.price(quantity).amount


@pytest.mark.parametrize("quantity", [1, 2, 5_000, 9_999, 10_000, 123_456])
def test_ten_thousand_tiers_are_priced_as_three_are(quantity: int) -> None:
    """Tier n holds one unit and costs n: so q units cost 1 + 2 + … + q, and the last goes on."""
    bounds = [*range(1, 10_000), None]
    table = Graduated(
        tiers=tuple(
            Tier(up_to=None if bound is None else d(bound), unit_price=d(place + 1))
            for place, bound in enumerate(bounds)
        )
    )

    within = min(quantity, 10_000)
    expected = within * (within + 1) // 2 + (quantity - within) * 10_000
    assert table.price(d(quantity)).amount == expected
    assert len(table.price(d(quantity)).tiers) == within


def test_the_largest_numbers_are_priced_to_the_last_digit() -> None:
    most, finest = d("9" * 30 + "." + "9" * 20), d("0." + "0" * 29 + "7")
    table = Graduated(
        tiers=(Tier(up_to=d(1), unit_price=most), Tier(up_to=None, unit_price=finest))
    )

    for model in (PerUnit(unit_price=finest), Percentage(rate=finest)):
        found = model.price(most, 0).amount
        assert Fraction(str(found)) == Fraction(most) * Fraction(finest)
    expected = Fraction(most) + (Fraction(most) - 1) * Fraction(finest)
    assert Fraction(str(table.price(most).amount)) == expected
