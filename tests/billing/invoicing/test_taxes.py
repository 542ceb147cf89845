"""Taxes: which rates apply, and what they come to (CONTRACT 26, 27, 55)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.identifiers import TaxRateId
from billing.invoicing.taxes import (
    Address,
    TaxRate,
    TaxStatus,
    added_tax,
    calculate_taxes,
    match_rates,
    tax_status,
)
from billing.money import Currency, find_currency
from tests.billing.builders import USD, d
from tests.billing.naive import round_half_away
from tests.billing.profiles import supporting, thorough
from tests.billing.strategies import decimals


def rate(
    percentage: str, country: str = "CA", state: str | None = None, *, inclusive: bool = False
) -> TaxRate:
    return TaxRate(
        tax_rate_id=TaxRateId(UUID(int=7)),
        name="VAT",
        country=country,
        state=state,
        percentage=d(percentage),
        is_inclusive=inclusive,
    )


@pytest.mark.parametrize(
    ("address", "matched"),
    [(Address(country="CA", state="QC"), "5 9.975"),
     (Address(country="ca", state=" qc "), "5 9.975"),
     (Address(country="CA", state="ON"), "5"), (Address(country="CA"), "5"),
     (Address(country="DE", state="QC"), ""), (Address(), ""), (Address(state="QC"), "")],
)  # fmt: skip
def test_rates_of_the_country_and_of_the_state_apply(address: Address, matched: str) -> None:
    rates = [rate("5"), rate("9.975", state="QC"), rate("20", "GB")]

    assert " ".join(str(one.percentage) for one in match_rates(rates, address)) == matched


def test_tax_status() -> None:
    assert tax_status([rate("5")], Address(country="CA")) is TaxStatus.CALCULATED
    assert tax_status([], Address(country="CA")) is TaxStatus.NO_RATE
    assert tax_status([], Address(country=" ")) is TaxStatus.NO_COUNTRY
    assert tax_status([rate("5")], Address()) is TaxStatus.NO_COUNTRY


@pytest.mark.parametrize(
    ("billed", "percentages", "inclusive", "taxes"),
    [("1700", "18", False, "306.00"), ("500", "18", False, "90.00"), ("360", "20", False, "72.00"),
     ("118", "18", True, "18.00"), ("100", "5 9.975", False, "5.00 9.98"),
     ("114.975", "5 9.975", True, "5.00 9.98"), ("0", "18", False, "0.00"),
     ("-100", "18", False, "-18.00"), ("0.03", "50", False, "0.02")],
)  # fmt: skip
def test_worked_taxes(billed: str, percentages: str, inclusive: bool, taxes: str) -> None:
    rates = [rate(text, inclusive=inclusive) for text in percentages.split()]

    amounts = calculate_taxes(d(billed), rates, USD)

    assert " ".join(str(one.amount) for one in amounts) == taxes


def test_exclusive_rates_are_taken_of_the_net_amount() -> None:
    inside, on_top = calculate_taxes(
        d("118"), [rate("18", inclusive=True), rate("10", "CA", "QC")], USD
    )

    assert (inside.taxable, inside.amount, inside.is_inclusive) == (d("100.00"), d("18.00"), True)
    assert (on_top.taxable, on_top.amount, on_top.is_inclusive) == (d("100.00"), d("10.00"), False)
    assert (on_top.name, on_top.percentage, on_top.tax_rate_id) == ("VAT", d(10), UUID(int=7))


@thorough
@given(
    minor=st.integers(-(10**9), 10**9),
    first=decimals(60, 3),
    second=decimals(60, 3),
    inclusive=st.booleans(),
    currency=st.sampled_from([find_currency(code) for code in ("JPY", "USD", "KWD", "CLF")]),
)
def test_invariant_33_tax_is_rounded_once_per_rate(
    *, minor: int, first: Decimal, second: Decimal, inclusive: bool, currency: Currency
) -> None:
    billed = Decimal(minor).scaleb(-currency.exponent)
    rates = [rate(str(first), inclusive=inclusive), rate(str(second), inclusive=False)]

    amounts = calculate_taxes(billed, rates, currency)

    net = Fraction(billed) / (1 + (Fraction(first) / 100 if inclusive else 0))
    for one, percentage in zip(amounts, (first, second), strict=True):
        exact = net * Fraction(percentage) / 100
        assert Fraction(one.amount) == round_half_away(exact, currency.exponent)


@pytest.mark.parametrize(
    ("percentage", "country", "field"),
    [("-1", "CA", "percentage"), ("1000.01", "CA", "percentage"), ("5", "CAN", "country"),
     ("5", "", "country"), ("5", "C1", "country")],
)  # fmt: skip
def test_rates_that_mean_nothing_are_refused(percentage: str, country: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rate(percentage, country)
    assert refused.value.field == field


def test_a_rate_of_a_thousand_percent_is_still_a_rate() -> None:
    assert rate("1000").percentage == 1000


money = st.integers(-(10**7), 10**7).map(lambda minor: Decimal(minor).scaleb(-2))
some_rates = st.lists(
    st.tuples(decimals(40, 3), st.booleans()).map(lambda one: rate(str(one[0]), inclusive=one[1])),
    max_size=4,
)


@supporting
@given(money, some_rates)
def test_what_is_given_back_is_taxed_as_what_was_billed(
    billed: Decimal, rates: list[TaxRate]
) -> None:
    taxed, untaxed = calculate_taxes(billed, rates, USD), calculate_taxes(-billed, rates, USD)

    assert [one.amount for one in untaxed] == [-one.amount for one in taxed]
    assert [one.taxable for one in untaxed] == [-one.taxable for one in taxed]


@supporting
@given(money, some_rates, st.integers(0, 3))
def test_a_rate_takes_the_same_wherever_it_stands(
    billed: Decimal, rates: list[TaxRate], turn: int
) -> None:
    cut = turn % (len(rates) + 1)

    turned = calculate_taxes(billed, rates[cut:] + rates[:cut], USD)

    found = calculate_taxes(billed, rates, USD)
    assert turned == found[cut:] + found[:cut]
    assert added_tax(turned) == added_tax(found)


@supporting
@given(money, some_rates)
def test_net_and_what_is_in_the_price_are_the_price_to_a_cent_for_each_rate(
    billed: Decimal, rates: list[TaxRate]
) -> None:
    found = calculate_taxes(billed, rates, USD)

    assert len({one.taxable for one in found}) <= 1
    inside = [one for one in found if one.is_inclusive]
    if inside:
        gross = inside[0].taxable + sum(one.amount for one in inside)
        assert abs(gross - billed) <= (len(inside) + 1) * d("0.005")
    for one in found:
        assert abs(one.amount) <= abs(billed) * one.percentage / 100 + d("0.005")


@supporting
@given(money, money, some_rates)
def test_more_is_never_taxed_less(one: Decimal, other: Decimal, rates: list[TaxRate]) -> None:
    low, high = sorted((one, other))

    for less, more in zip(
        calculate_taxes(low, rates, USD), calculate_taxes(high, rates, USD), strict=True
    ):
        assert less.amount <= more.amount


def test_only_what_is_not_in_the_price_comes_on_top() -> None:
    rates = [rate("18", inclusive=True), rate("10"), rate("0")]

    assert added_tax(calculate_taxes(d("118"), rates, USD)) == 10
    assert added_tax([]) == 0
    assert calculate_taxes(d("118"), [], USD) == ()


@pytest.mark.parametrize(
    ("currency", "billed", "tax"),
    [("JPY", "105", "11"), ("JPY", "104", "10"), ("KWD", "0.005", "0.001"), ("USD", "0.05", "0.01"),
     ("USD", "0.04", "0.00"), ("CLF", "0.0005", "0.0001")],
)  # fmt: skip
def test_tax_is_rounded_to_the_currency(currency: str, billed: str, tax: str) -> None:
    [found] = calculate_taxes(d(billed), [rate("10")], find_currency(currency))

    assert str(found.amount) == tax


@pytest.mark.parametrize(
    ("country", "state", "address", "applies"),
    [
        ("CA", None, Address(country="CA"), True),
        ("ca", None, Address(country=" CA "), True),
        ("CA", "QC", Address(country="CA"), False),
        ("CA", "QC", Address(country="CA", state=""), False),
        ("CA", "qc", Address(country="CA", state="QC"), True),
        ("CA", "QC", Address(country="US", state="QC"), False),
        ("CA", None, Address(country="CA", state="QC"), True),
        ("CA", None, Address(country=""), False),
    ],
)
def test_a_rate_applies_where_its_country_and_its_state_are(
    country: str, state: str | None, address: Address, *, applies: bool
) -> None:
    assert rate("5", country, state).applies_to(address) is applies
