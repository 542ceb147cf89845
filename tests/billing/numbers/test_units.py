"""Units of credit: how they are called, how finely they are counted, and how they are shared."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.currencies import MINOR_UNIT_EXPONENTS
from billing.errors import InvalidInput
from billing.units import LARGEST_SCALE, Taxation, Unit, currency_unit
from tests.billing.builders import d
from tests.billing.profiles import supporting


@pytest.mark.parametrize("code", ["TOKENS", "GB", "A1", "A_", "TOKENS_2026", "A" * 32])
def test_a_code_is_capital_letters_digits_and_strokes(code: str) -> None:
    assert Unit(code=code, scale=0).code == code


@pytest.mark.parametrize(
    "code",
    [
        "",
        "A",
        "A" * 33,
        "1A",
        "_A",
        "tokens",
        "Tokens",
        "TO KENS",
        "A-B",
        "A.B",
        "ÄB",
        "AB\n",
        "\u0410\u0412",
    ],
)
def test_another_code_is_refused_in_words(code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Unit(code=code, scale=0)

    assert refused.value.field == "code"
    assert refused.value.detail == (
        "code is 2 to 32 capital letters, digits and _, the first a letter."
    )


@pytest.mark.parametrize("scale", [-1, 13, True, 1.5, "2"])
def test_a_scale_is_a_whole_number_of_places(scale: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        Unit(code="TOKENS", scale=scale)

    assert (refused.value.field, refused.value.detail) == ("scale", "scale is 0 to 12.")


@pytest.mark.parametrize(
    ("code", "scale", "places"), [("USD", 0, 2), ("JPY", 2, 0), ("KWD", 2, 3), ("CLF", 3, 4)]
)
def test_a_currency_is_counted_in_its_minor_units(code: str, scale: int, places: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        Unit(code=code, scale=scale)

    assert refused.value.field == "scale"
    assert refused.value.detail == f"{code} is a currency with {places} decimal places."
    assert Unit(code=code, scale=places).is_currency


@pytest.mark.parametrize("code", sorted(MINOR_UNIT_EXPONENTS))
def test_every_currency_is_a_unit(code: str) -> None:
    unit = currency_unit(code.lower())

    assert (unit.code, unit.scale) == (code, MINOR_UNIT_EXPONENTS[code])
    assert (unit.taxation, unit.is_currency) == (Taxation.AT_USE, True)


def test_credit_in_a_currency_may_be_taxed_as_it_is_sold() -> None:
    assert currency_unit("USD", Taxation.AT_PURCHASE).taxation is Taxation.AT_PURCHASE
    with pytest.raises(InvalidInput) as refused:
        currency_unit("TOKENS")
    assert (refused.value.code, refused.value.field) == ("unknown_currency", "unit")


@pytest.mark.parametrize(
    ("scale", "amount", "rounded", "finest"),
    [
        (0, "2.5", "3", "1"),
        (0, "-2.5", "-3", "1"),
        (0, "2.4999999999999999999999", "2", "1"),
        (2, "0.005", "0.01", "0.01"),
        (2, "0.00499999", "0.00", "0.01"),
        (3, "-0.0005", "-0.001", "0.001"),
        (12, "0.0000000000005", "0.000000000001", "0.000000000001"),
    ],
)
def test_a_unit_rounds_half_of_its_finest_part_away_from_zero(
    scale: int, amount: str, rounded: str, finest: str
) -> None:
    unit = Unit(code="TOKENS", scale=scale)

    assert unit.round(d(amount)) == d(rounded)
    assert unit.finest == d(finest)


def test_amounts_of_a_unit_are_given_at_its_scale() -> None:
    unit = Unit(code="TOKENS", scale=2)

    assert str(unit.require_scale(d(5), field="amount")) == "5.00"
    assert str(unit.require_scale(d("5.10000"), field="amount")) == "5.10"
    assert str(unit.require_scale(d("1E+3"), field="amount")) == "1000.00"


@pytest.mark.parametrize("amount", ["0.001", "-0.005", "5.0100000001"])
def test_an_amount_that_is_finer_than_its_unit_is_refused(amount: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Unit(code="TOKENS", scale=2).require_scale(d(amount), field="rest")

    assert (refused.value.code, refused.value.field) == ("finer_than_unit", "rest")
    assert refused.value.detail == "rest has more than the 2 decimal places of TOKENS."


@supporting
@given(
    scale=st.integers(0, LARGEST_SCALE),
    parts=st.integers(0, 10**9),
    weights=st.lists(st.integers(0, 50), min_size=1, max_size=6).filter(any),
)
def test_what_is_shared_out_is_all_there_in_whole_finest_parts(
    scale: int, parts: int, weights: list[int]
) -> None:
    unit = Unit(code="TOKENS", scale=scale)
    total = Decimal(parts).scaleb(-scale)

    shares = unit.share(total, tuple(map(Decimal, weights)))

    assert sum(shares) == total
    assert all(unit.round(one) == one >= 0 for one in shares)
    assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if not weight)
