"""Invariants 4, 33 and 34: numbers are read exactly, rounded once, and shared out without loss."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, Inexact, localcontext
from fractions import Fraction

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.currencies import MINOR_UNIT_EXPONENTS
from billing.errors import InvalidInput, InvariantBroken
from billing.money import (
    Currency,
    allocate,
    exactly,
    find_currency,
    parse_decimal,
    parse_price,
    plain_text,
    require_decimals,
    require_not_negative,
    round_half_away,
)
from tests.billing.builders import d
from tests.billing.naive import round_half_away as naive_round
from tests.billing.profiles import thorough

CURRENCIES = [find_currency(code) for code in ("JPY", "USD", "KWD", "CLF")]
currencies = st.sampled_from(CURRENCIES)
amounts = st.builds(
    lambda number, places: Decimal(number).scaleb(-places),
    st.integers(-(10**14), 10**14),
    st.integers(0, 14),
)


def test_currency_table_is_the_published_one() -> None:
    published = {c.code: c.exponent for c in iso4217.Currency if c.exponent is not None}

    assert dict(MINOR_UNIT_EXPONENTS) == published


@pytest.mark.parametrize(
    ("code", "exponent"), [("jpy", 0), (" Usd ", 2), ("KWD", 3), ("CLF", 4), ("UYW", 4)]
)
def test_currency_is_found_in_any_case(code: str, exponent: int) -> None:
    currency = find_currency(code)

    assert currency == Currency(code=code.strip().upper(), exponent=exponent)
    assert currency.minor_unit == Decimal(1).scaleb(-exponent)


@pytest.mark.parametrize("code", ["XAU", "XXX", "EURO", "", "BGN", None, 7, True, "U5D"])
def test_currency_without_a_minor_unit_is_refused(code: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        find_currency(code, field="plan.currency")

    assert (refused.value.code, refused.value.field) == ("unknown_currency", "plan.currency")


@pytest.mark.parametrize(("code", "exponent"), [("USD", 3), ("usd", 2), ("XAU", 2)])
def test_currency_cannot_be_made_with_another_exponent(code: str, exponent: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        Currency(code=code, exponent=exponent)

    assert refused.value.field == "currency"


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [("2.675", "USD", "2.68"), ("-2.675", "USD", "-2.68"), ("0.5", "JPY", "1"),
     ("-0.5", "JPY", "-1"), ("0.4999999999999999999999999999999999999999", "JPY", "0"),
     ("1.0005", "KWD", "1.001"), ("1.00005", "CLF", "1.0001"), ("-0.001", "USD", "0.00"),
     ("82.45", "USD", "82.45"), ("1E+3", "USD", "1000.00")],
)  # fmt: skip
def test_rounding_is_half_away_from_zero(amount: str, currency: str, rounded: str) -> None:
    assert str(find_currency(currency).round(d(amount))) == rounded


@thorough
@given(amounts, currencies)
def test_invariant_33_rounding_moves_by_half_a_minor_unit_at_most(
    amount: Decimal, currency: Currency
) -> None:
    rounded = currency.round(amount)

    assert abs(Fraction(rounded) - Fraction(amount)) <= Fraction(1, 2 * 10**currency.exponent)
    assert Fraction(rounded) == naive_round(Fraction(amount), currency.exponent)
    assert currency.round(rounded) == rounded
    assert currency.round(-amount) == -rounded
    assert -rounded.as_tuple().exponent == currency.exponent  # type: ignore[operator]  # never None here


@thorough
@given(amounts, st.integers(-(10**9), 10**9).filter(bool), st.integers(0, 6))
def test_invariant_33_a_quotient_is_rounded_once(
    amount: Decimal, divisor: int, places: int
) -> None:
    with localcontext(Context(prec=2)):
        rounded = round_half_away(amount, places, divisor=Decimal(divisor))

    assert Fraction(rounded) == naive_round(Fraction(amount) / divisor, places)
    assert not rounded.is_signed() or rounded < 0


@thorough
@given(
    st.integers(-(10**7), 10**7),
    st.lists(st.integers(0, 99), min_size=1, max_size=6).filter(any),
    currencies,
)
def test_invariant_33_allocation_loses_nothing_and_is_fair_to_a_minor_unit(
    minor: int, weights: list[int], currency: Currency
) -> None:
    total = Decimal(minor).scaleb(-currency.exponent)

    parts = allocate(total, [Decimal(weight) for weight in weights], currency)

    assert sum(map(Fraction, parts)) == Fraction(total)
    unit = Fraction(currency.minor_unit)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(part) - Fraction(total) * weight / sum(weights)) < unit


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [("10.00", "1 1 1", "3.34 3.33 3.33"), ("-10.00", "1 1 1", "-3.34 -3.33 -3.33"),
     ("0.05", "1 1 1 1 1 1", "0.01 0.01 0.01 0.01 0.01 0.00"), ("0.02", "0 1 0", "0.00 0.02 0.00"),
     ("100.00", "1 2 4", "14.29 28.57 57.14"), ("0.00", "3 5", "0.00 0.00"),
     ("10.00", "1 2", "3.33 6.67"), ("0.05", "2 3 2", "0.02 0.02 0.01")],
)  # fmt: skip
def test_allocation_gives_the_rest_to_the_largest_remainders(
    total: str, weights: str, parts: str
) -> None:
    shared = allocate(d(total), [d(weight) for weight in weights.split()], find_currency("USD"))

    assert " ".join(f"{part:f}" for part in shared) == parts


@pytest.mark.parametrize("weights", ["0 0", "", "1 -1"])
def test_allocation_refuses_weights_that_mean_nothing(weights: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        allocate(d("1.00"), [d(weight) for weight in weights.split()], find_currency("USD"))

    assert refused.value.field == "weights"


def test_allocation_of_a_fraction_of_a_minor_unit_is_a_bug() -> None:
    with pytest.raises(InvariantBroken, match="more than 2 decimal places"):
        allocate(d("0.001"), [d(1)], find_currency("USD"))


@pytest.mark.parametrize(
    ("value", "number"),
    [("0", "0"), (" 12.50 ", "12.50"), ("-3", "-3"), ("+.5", "0.5"), ("5.", "5"), ("1e3", "1000"),
     ("1E-20", "0.00000000000000000001"), (7, "7"), (-7, "-7"), (Decimal("0.1"), "0.1"),
     ("9" * 30, "9" * 30), (10**30 - 1, "9" * 30), ("9" * 30 + "." + "9" * 20,) * 2,
     ("0.1000000000000000001",) * 2, ("1e29", "1" + "0" * 29), ("-0.0", "0"), ("0e30", "0")],
)  # fmt: skip
def test_numbers_are_read_as_they_were_written(value: object, number: str) -> None:
    assert parse_decimal(value, field="quantity") == d(number)


BAD_NUMBERS: list[object] = [
    "NaN", "nan", "sNaN", "Infinity", "-Infinity", "inf", "", " ", "\t", "abc", "1,000", "1_000",
    "1 000", "0x10", "١٢", "\uff11", "1e31", "1e-31", "1e99999", "1e9999", "--1", "1.2.3", "e5",
    ".", "1e", "½", "$5", "1" * 5000, "9" * 31, "0." + "0" * 20 + "1", "1e30", 10**30, 10**40,
    True, False, None, 0.1, float("nan"), float("inf"), 1e300, Decimal("NaN"), Decimal("sNaN"),
    Decimal("Infinity"), Decimal("1e31"), Decimal("1E-31"), Decimal("1E+999999"), [], {}, b"1",
    pytest.param(object(), id="object"), (1,), complex(1, 1),
]  # fmt: skip


@pytest.mark.parametrize("value", BAD_NUMBERS, ids=lambda value: repr(value)[:24])
def test_bad_numbers_are_refused_with_the_name_of_the_field(value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_decimal(value, field="quantity")

    assert refused.value.field == "quantity"
    assert refused.value.code in ("invalid_number", "number_out_of_range")
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize("value", ["0." + "1" * 31, Decimal("1E-31"), "1E+31", "1" * 201, 10**30])
@pytest.mark.parametrize(("parse", "places"), [(parse_price, 30), (parse_decimal, 20)])
def test_number_that_is_too_long_is_told_how_many_digits_it_may_have(
    parse: Callable[..., Decimal], places: int, value: object
) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(value, field="price")

    assert (refused.value.field, refused.value.code) == ("price", "number_out_of_range")
    assert refused.value.detail == (
        f"price takes at most 30 digits before the point and at most {places} decimal places."
    )


any_decimals = st.sampled_from(["NaN", "sNaN", "Infinity", "-Infinity"]).map(Decimal) | st.builds(
    lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), max_size=40).map(tuple),
    st.integers(-60, 60),
)


@thorough
@given(st.one_of(st.text(max_size=12), st.floats(), st.integers(), any_decimals, st.booleans()))
def test_invariant_04_whatever_is_read_is_a_finite_decimal_within_bounds(value: object) -> None:
    try:
        number = parse_decimal(value, field="amount")
    except InvalidInput:
        return
    assert type(number) is Decimal
    assert not isinstance(value, (float, bool))
    assert number.is_finite()
    assert abs(number) < 10**30
    assert Fraction(number) * 10**20 % 1 == 0


@pytest.mark.parametrize("value", [0.1, 1, "1", True, Decimal("NaN"), Decimal("Infinity")])
def test_invariant_04_value_objects_hold_decimals_only(value: Decimal) -> None:
    for check in (require_decimals, require_not_negative):
        with pytest.raises(InvalidInput) as refused:
            check(unit_price=value)
        assert (refused.value.field, refused.value.code) == ("unit_price", "invalid_number")


def test_negative_numbers_are_refused_where_they_mean_nothing() -> None:
    require_not_negative(unit_price=d(0), flat_fee=None)
    require_decimals(level=d(-1))
    with pytest.raises(InvalidInput) as refused:
        require_not_negative(flat_fee=d("-0.01"))
    assert (refused.value.field, refused.value.code) == ("flat_fee", "negative_number")


@pytest.mark.parametrize(
    ("number", "text"),
    [("1.500", "1.5"), ("1E+3", "1000"), ("-0.0", "0"), ("0E-9", "0"), ("-0", "0"), ("10", "10"),
     ("100.00", "100"), ("1E-20", "0.00000000000000000001"), ("-12.30", "-12.3")],
)  # fmt: skip
def test_plain_text_is_one_spelling_per_number(number: str, text: str) -> None:
    assert plain_text(d(number)) == text


def test_exact_arithmetic_raises_instead_of_dropping_a_digit() -> None:
    third = exactly(lambda: Decimal(1) / Decimal(3))

    with pytest.raises(Inexact):
        third()


@thorough
@given(
    st.integers(0, 10**30 - 1), st.integers(0, 10**30 - 1), st.integers(0, 20), st.integers(0, 20)
)
def test_invariant_34_products_of_long_numbers_keep_every_digit(
    left: int, right: int, left_places: int, right_places: int
) -> None:
    product = _product(Decimal(left), left_places, Decimal(right), right_places)

    assert Fraction(product) == Fraction(left * right, 10 ** (left_places + right_places))


@exactly
def _product(left: Decimal, left_places: int, right: Decimal, right_places: int) -> Decimal:
    return left.scaleb(-left_places) * right.scaleb(-right_places)
