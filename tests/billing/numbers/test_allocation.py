"""Sharing out and rounding, as relations: what changes nothing, and what changes how much."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput, InvariantBroken
from billing.money import (
    allocate,
    allocate_to,
    find_currency,
    parse_decimal,
    parse_price,
    read_number,
    round_half_away,
    shortest,
)
from billing.ratios import Ratio
from tests.billing.builders import USD, d
from tests.billing.profiles import supporting

minors = st.integers(-(10**6), 10**6)
weight_lists = st.lists(st.integers(0, 60), min_size=1, max_size=6).filter(any)
numbers = st.builds(
    lambda whole, places: Decimal(whole).scaleb(-places),
    st.integers(-(10**9), 10**9),
    st.integers(0, 8),
)


def shared(minor: int, weights: list[int] | list[Decimal]) -> list[Decimal]:
    return [*allocate(Decimal(minor).scaleb(-2), [Decimal(one) for one in weights], USD)]


@supporting
@given(minors, weight_lists, st.sampled_from(["2", "0.001", "1000000", "0.3"]))
def test_only_the_proportion_of_weights_matters(
    minor: int, weights: list[int], factor: str
) -> None:
    assert shared(minor, [d(factor) * one for one in weights]) == shared(minor, weights)


@supporting
@given(minors, weight_lists)
def test_what_is_owed_and_what_is_given_back_are_shared_alike(
    minor: int, weights: list[int]
) -> None:
    assert shared(-minor, weights) == [-one for one in shared(minor, weights)]


@supporting
@given(st.integers(0, 10**6), weight_lists)
def test_who_weighs_more_gets_no_less_and_the_earlier_of_equals_no_less_than_the_later(
    minor: int, weights: list[int]
) -> None:
    parts = [*zip(weights, shared(minor, weights), strict=True)]

    for place, (weight, part) in enumerate(parts):
        for later_weight, later_part in parts[place + 1 :]:
            if weight > later_weight:
                assert part >= later_part
            elif weight < later_weight:
                assert part <= later_part
            else:
                assert 0 <= part - later_part <= d("0.01")


@supporting
@given(minors, weight_lists)
def test_who_weighs_nothing_gets_nothing(minor: int, weights: list[int]) -> None:
    without = shared(minor, [one for one in weights if one])

    parts = shared(minor, weights)

    assert [part for part, weight in zip(parts, weights, strict=True) if weight] == without
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if not weight)


@supporting
@given(minors, st.integers(1, 60))
def test_who_is_alone_gets_all_of_it(minor: int, weight: int) -> None:
    assert shared(minor, [weight]) == [Decimal(minor).scaleb(-2)]


@pytest.mark.parametrize(
    ("total", "places", "weights", "parts"),
    [
        ("10", 0, "1 1 1", "4 3 3"),
        ("1", 0, "1 1 1", "1 0 0"),
        ("0.001", 3, "1 2", "0 0.001"),
        ("1", 12, "1 2", "0.333333333333 0.666666666667"),
        ("7", 0, "0.5 0.25 0.25", "3 2 2"),
        ("0.0001", 4, "5 5", "0.0001 0"),
        ("1000000000000000", 0, "1 1 1", "333333333333334 333333333333333 333333333333333"),
        ("100", 0, "0.1 0.2 0.3 0.4", "10 20 30 40"),
    ],
)
def test_parts_have_the_places_that_are_asked_for(
    total: str, places: int, weights: str, parts: str
) -> None:
    found = allocate_to(d(total), [d(one) for one in weights.split()], places)

    assert list(found) == [d(one) for one in parts.split()]


def test_what_is_finer_than_the_places_cannot_be_shared() -> None:
    for total, places in [("0.5", 0), ("0.0001", 3), ("1.001", 2)]:
        with pytest.raises(InvariantBroken):
            allocate_to(d(total), [d(1)], places)
    with pytest.raises(InvalidInput):
        allocate_to(d(1), [d(2), d("-0.5")], 0)


@pytest.mark.parametrize(
    ("amount", "places", "divisor", "rounded"),
    [
        ("510", 2, "31", "16.45"),
        ("1", 2, "-8", "-0.13"),
        ("-1", 2, "8", "-0.13"),
        ("-1", 2, "-8", "0.13"),
        ("1", 0, "2", "1"),
        ("-1", 0, "2", "-1"),
        ("1", 0, "3", "0"),
        ("-1", 0, "3", "0"),
        ("2", 0, "3", "1"),
        ("5", 1, "4", "1.3"),
        ("0.05", 1, "1", "0.1"),
        ("1", 20, "3", "0.33333333333333333333"),
        ("2", 20, "3", "0.66666666666666666667"),
        ("1", 2, "0.03", "33.33"),
        ("0", 2, "7", "0"),
        ("1E+30", 0, "7", "142857142857142857142857142857"),
    ],
)
def test_a_quotient_is_rounded_half_away_from_zero(
    amount: str, places: int, divisor: str, rounded: str
) -> None:
    found = round_half_away(d(amount), places, divisor=d(divisor))

    assert found == d(rounded)
    assert not (found == 0 and found.is_signed())


def test_a_fraction_is_divided_before_it_is_rounded() -> None:
    """A third of a third is 0.111…, and half of a cent is one only where it is all of it."""
    assert round_half_away(Ratio(1, 3), 2, divisor=d(3)) == d("0.11")
    assert round_half_away(Ratio(1, 3), 4) == d("0.3333")
    assert round_half_away(Ratio(-5, 3), 0) == -2
    assert round_half_away(Ratio(1, 600), 2, divisor=d(1)) == 0
    just_below, just_above = "66." + "6" * 30 + "7", "66." + "6" * 31
    assert round_half_away(Ratio(1, 3), 2, divisor=d(just_below)) == 0
    assert round_half_away(Ratio(1, 3), 2, divisor=d(just_above)) == d("0.01")


@supporting
@given(numbers, numbers, st.integers(0, 6))
def test_more_never_rounds_to_less(one: Decimal, other: Decimal, places: int) -> None:
    low, high = sorted((one, other))

    assert round_half_away(low, places) <= round_half_away(high, places)


@supporting
@given(numbers, st.integers(-(10**6), 10**6), st.integers(0, 6))
def test_whole_units_pass_through_rounding(number: Decimal, whole: int, places: int) -> None:
    """Whatever is added in whole units is there after rounding, unless the sign turns a tie."""
    moved = round_half_away(number + whole, places)

    gap = Fraction(moved) - whole - Fraction(round_half_away(number, places))
    is_tie = (Fraction(number) * 10**places) % 1 == Fraction(1, 2)
    assert gap == 0 or (is_tie and abs(gap) == Fraction(1, 10**places))


@pytest.mark.parametrize(
    ("text", "is_quantity", "is_price"),
    [
        ("0." + "0" * 19 + "1", True, True),
        ("0." + "0" * 20 + "1", False, True),
        ("0." + "0" * 29 + "1", False, True),
        ("0." + "1" * 20 + "0" * 9, True, True),
        ("9" * 30 + "." + "9" * 20, True, True),
        ("9" * 30 + "." + "9" * 30, False, True),
        ("1" + "0" * 30, False, False),
        ("0" * 40 + "7", True, True),
        ("-" + "9" * 30, True, True),
        ("1e-20", True, True),
        ("1e-30", False, True),
        ("100e28", False, False),
        ("0.0001e33", True, True),
        ("0e-40", False, False),
    ],
)
def test_a_price_may_have_ten_places_more_than_a_quantity(
    text: str, is_quantity: bool, is_price: bool
) -> None:
    for parse, is_read in ((parse_decimal, is_quantity), (parse_price, is_price)):
        if is_read:
            assert Fraction(parse(text, field="n")) == Fraction(text)
            continue
        with pytest.raises(InvalidInput) as refused:
            parse(text, field="n")
        assert (refused.value.code, refused.value.field) == ("number_out_of_range", "n")


def test_any_number_of_json_is_read_for_comparisons() -> None:
    """Filters compare with numbers that are no quantities; only exponents have a bound."""
    assert read_number("9" * 31, field="value") == 10**31 - 1
    assert read_number("1e30", field="value") == 10**30
    for beyond in ("1e31", "1e-31", 10**30):
        with pytest.raises(InvalidInput):
            read_number(beyond, field="value")


def test_numbers_are_shown_without_superfluous_zeros() -> None:
    assert str(shortest(d("1.500"))) == "1.5"
    assert str(shortest(d("1E+3"))) == "1000"
    assert str(shortest(d("-0.00"))) == "0"
    assert shortest(Ratio(2, 3)) == d("0." + "6" * 39 + "7")


def test_currencies_are_shared_and_sorted_by_their_minor_units() -> None:
    yen, dinar = find_currency("JPY"), find_currency("KWD")

    assert find_currency("jpy") is yen
    assert (yen.minor_unit, dinar.minor_unit) == (1, d("0.001"))
    assert allocate(d(100), [d(1)] * 3, yen) == (34, 33, 33)
    assert allocate(d("0.1"), [d(1)] * 3, dinar) == (d("0.034"), d("0.033"), d("0.033"))


def test_a_text_of_two_hundred_characters_is_read_and_a_longer_one_is_not() -> None:
    assert read_number("0" * 199 + "7", field="value") == 7
    with pytest.raises(InvalidInput) as refused:
        read_number("0" * 200 + "7", field="value")
    assert refused.value.code == "number_out_of_range"
