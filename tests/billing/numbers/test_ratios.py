"""Ratios: exact where no decimal is, and at one with decimals everywhere else (CONTRACT 92)."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.invoicing.receipts import from_document, to_document
from billing.money import plain_text, require_exact, round_half_away, shortest
from billing.ratios import Exact, Ratio, add_up, as_decimal, parse_ratio, quotient
from tests.billing.builders import d
from tests.billing.naive import round_half_away as naive_round
from tests.billing.profiles import thorough

decimals = st.decimals("-1000", "1000", places=6)
divisors = st.integers(1, 1000)
exacts = st.builds(quotient, decimals, divisors)


def fraction(number: Exact) -> Fraction:
    return Fraction(str(number))


@thorough
@given(exacts, exacts, decimals)
def test_arithmetic_and_order_are_those_of_fractions(
    one: Exact, other: Exact, plain: Decimal
) -> None:
    left, right = fraction(one), fraction(other)

    assert fraction(one + other) == left + right
    assert fraction(one - other) == left - right
    assert fraction(one * plain) == left * Fraction(plain)
    assert fraction(plain * one) == left * Fraction(plain)
    assert fraction(plain - one) == Fraction(plain) - left
    assert (one < other, one <= other, one > other, one >= other, one == other) == (
        left < right, left <= right, left > right, left >= right, left == right,
    )  # fmt: skip
    assert (plain < one, plain >= one) == (Fraction(plain) < left, Fraction(plain) >= left)
    assert fraction(max(one, other)) == max(left, right)
    assert fraction(add_up([one, other, plain])) == left + right + Fraction(plain)


@thorough
@given(decimals, divisors)
def test_what_has_a_last_digit_is_a_decimal(total: Decimal, divisor: int) -> None:
    number = quotient(total, divisor)

    rest = (Fraction(total) / divisor).denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    assert isinstance(number, Decimal) is (rest == 1)


@thorough
@given(exacts, st.integers(0, 8))
def test_rounding_is_decided_on_the_fraction(number: Exact, places: int) -> None:
    assert Fraction(round_half_away(number, places)) == naive_round(fraction(number), places)


@thorough
@given(exacts)
def test_ratios_survive_their_document(number: Exact) -> None:
    document = to_document(number)

    assert from_document(Exact, document) == number  # type: ignore[arg-type]  # a union of kinds
    assert type(from_document(Exact, document)) is type(number)  # type: ignore[arg-type]  # as above


def test_forty_significant_digits_are_shown() -> None:
    third = quotient(d(1), 3)

    assert plain_text(third) == "0." + "3" * 40
    assert plain_text(quotient(d(2000), 3)) == "666." + "6" * 36 + "7"
    assert shortest(-quotient(d(2), 3)) == d("-0." + "6" * 39 + "7")
    with localcontext(prec=3):
        assert as_decimal(third) == d("0." + "3" * 40)
    assert (as_decimal(None), as_decimal(d("0.10"))) == (None, d("0.10"))


@pytest.mark.parametrize(
    "text", ["2/6", "1/4", "1", "1/-3", "1/0", "x/3", "1/3/5", "1.5/3", " 1/3"]
)
def test_only_lowest_terms_are_read(text: str) -> None:
    with pytest.raises((ValueError, ZeroDivisionError)):
        parse_ratio(text)


def test_a_packages_ratio_is_divided_into_whole_ones() -> None:
    assert divmod(Ratio(10, 3), d("1.5")) == (2, Ratio(1, 3))


def test_floats_are_refused_beside_ratios() -> None:
    require_exact(a=Ratio(1, 3), b=d(1), c=None)
    for wrong in (0.5, d("NaN"), 1):
        with pytest.raises(InvalidInput):
            require_exact(a=wrong)  # type: ignore[arg-type]  # what it is there to refuse


def test_a_sum_keeps_digits_that_the_context_of_whoever_asks_would_drop() -> None:
    numbers = [Decimal("1E-20"), Decimal("100000011.0000000000000000000")]

    assert add_up(numbers) == Decimal("100000011.00000000000000000001")


@pytest.mark.parametrize(
    ("total", "divisor", "number"),
    [
        ("1", 4, "0.25"),
        ("-1", 8, "-0.125"),
        ("10", 5, "2"),
        ("0", 7, "0"),
        ("3", -2, "-1.5"),
        ("1", 2**20, str(Decimal(5**20).scaleb(-20))),
        ("0.3", 3, "0.1"),
        ("1E+30", 10**30, "1"),
    ],
)
def test_what_ends_is_written_out(total: str, divisor: int, number: str) -> None:
    found = quotient(d(total), divisor)

    assert isinstance(found, Decimal)
    assert found == d(number)


@pytest.mark.parametrize(
    ("total", "divisor", "written"),
    [("1", 3, "1/3"), ("-1", 3, "-1/3"), ("1", -3, "-1/3"), ("6", 9, "2/3"), ("0.1", 3, "1/30"),
     ("22", 7, "22/7"), ("1E+3", 3, "1000/3")],
)  # fmt: skip
def test_what_never_ends_is_a_quotient_in_lowest_terms(
    total: str, divisor: int, written: str
) -> None:
    found = quotient(d(total), divisor)

    assert isinstance(found, Ratio)
    assert str(found) == written
    assert parse_ratio(written) == found


def test_nothing_is_divided_by_nothing() -> None:
    with pytest.raises(ZeroDivisionError):
        quotient(d(1), 0)


def test_ratios_become_decimals_again_as_soon_as_they_end() -> None:
    third = quotient(d(1), 3)

    for found, number in [
        (third + third + third, 1),
        (third * 3, 1),
        (third * d("0.75"), d("0.25")),
        (third - third, 0),
        (d(1) - third - third - third, 0),
        (quotient(third, d("0.5")) * d(6), 4),
    ]:
        assert isinstance(found, Decimal)
        assert found == number


def test_the_other_side_of_a_ratio_is_below_zero() -> None:
    third = Ratio(1, 3)

    assert -third == Ratio(-1, 3)
    below = -third
    assert -below == third
    assert -third < 0 < third < 1
    mixed: list[Exact] = [d(1), third, d("0.33"), -third, d("0.34")]
    assert sorted(mixed) == [
        -third,
        d("0.33"),
        third,
        d("0.34"),
        1,
    ]
    same = quotient(d(2), 6)
    assert (third <= same, third >= same, third < same, third > same) == (True, True, False, False)


def test_nothing_adds_up_to_nothing() -> None:
    assert add_up([]) == 0
    assert add_up([quotient(d(1), 3)] * 3) == 1


@thorough
@given(exacts, exacts, exacts)
def test_sums_and_products_may_be_taken_in_any_order(one: Exact, two: Exact, three: Exact) -> None:
    assert add_up([one, two, three]) == add_up([three, one, two])
    assert (one + two) + three == one + (two + three)
    assert one - two == -(two - one)
    above = max(one, -one)
    assert divmod(fraction(above), 7) == tuple(map(fraction, divmod(above, d(7))))
