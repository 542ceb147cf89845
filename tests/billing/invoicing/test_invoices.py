"""Invariants 1 and 2, the totals of a bill, and the states an invoice can be in."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvariantBroken
from billing.invoicing.invoices import InvoiceTotals, assemble_invoice, round_line
from billing.invoicing.plain_lines import credit_line, manual_line
from billing.invoicing.taxes import Address, TaxRate, TaxStatus
from billing.money import Currency, find_currency
from billing.pricing import TierAmount
from billing.rating.lines import LineType
from tests.billing.builders import USD, d
from tests.billing.invoicing.lines import CANADA, line, rate
from tests.billing.profiles import thorough
from tests.billing.strategies import decimals

YEN = find_currency("JPY")
currencies = st.sampled_from([find_currency(code) for code in ("JPY", "USD", "KWD", "CLF")])


def bill(*amounts: str, rates: list[TaxRate] | None = None, at: Address = CANADA) -> InvoiceTotals:
    return assemble_invoice([line(amount) for amount in amounts], rates or [], at, USD)


@thorough
@given(
    digits=st.integers(0, 10**60),
    count=st.integers(0, 4),
    first=decimals(30, 3),
    second=decimals(30, 3),
    inclusive=st.booleans(),
    currency=currencies,
)
def test_invariant_01_lines_and_taxes_add_up_to_the_total(
    *, digits: int, count: int, first: Decimal, second: Decimal, inclusive: bool, currency: Currency
) -> None:
    exact = [
        Decimal(digits // 10 ** (12 * place) % 10**12 - 3 * 10**11).scaleb(-7)
        for place in range(count)
    ]
    rates = [rate(first, inclusive=inclusive), rate(second)]

    totals = assemble_invoice([line(amount, currency) for amount in exact], rates, CANADA, currency)

    billed = sum((Fraction(one.line_total) for one in totals.lines), Fraction(0))
    contained = sum(Fraction(one.amount) for one in totals.taxes if one.is_inclusive)
    taxes = sum(Fraction(one.amount) for one in totals.taxes)
    assert Fraction(totals.tax) == taxes
    assert Fraction(totals.subtotal) + taxes == Fraction(totals.total)
    assert billed - contained == Fraction(totals.subtotal)
    assert totals.total >= 0
    units = [one.line_total for one in totals.lines]
    for amount in [totals.subtotal, totals.tax, totals.total, totals.carried_credit, *units]:
        assert amount == currency.round(amount)
    exact_total = sum(map(Fraction, exact), Fraction(0))
    rounded = sum((Fraction(one.line_total) for one in totals.lines[:count]), Fraction(0))
    assert abs(rounded - exact_total) <= count * Fraction(currency.minor_unit) / 2


@thorough
@given(currencies, currencies, decimals(10**6, 4))
def test_invariant_02_currencies_cannot_be_mixed(
    one: Currency, other: Currency, amount: Decimal
) -> None:
    if one == other:
        assert assemble_invoice([line(amount, one)], [], CANADA, other).currency == one.code
        return
    with pytest.raises(InvariantBroken, match="cannot stand on"):
        assemble_invoice([line(amount, one)], [], CANADA, other)
    with pytest.raises(InvariantBroken, match="one currency"):
        replace(bill("1"), currency="EUR")


def test_the_main_example() -> None:
    totals = bill("82.450")

    assert (totals.subtotal, totals.tax, totals.total) == (d("82.45"), 0, d("82.45"))
    assert str(totals.total) == "82.45"
    assert str(totals.tax) == "0.00"
    assert (totals.tax_status, totals.carried_credit) == (TaxStatus.NO_RATE, 0)


@pytest.mark.parametrize(
    ("amounts", "rates", "subtotal", "tax", "total"),
    [("360", [rate("20")], "360.00", "72.00", "432.00"),
     ("100 18", [rate("18", inclusive=True)], "100.00", "18.00", "118.00"),
     ("0.005 0.005", [], "0.02", "0.00", "0.02"),
     ("100", [rate("5"), rate("9.975")], "100.00", "14.98", "114.98"),
     ("", [rate("20")], "0.00", "0.00", "0.00")],
)  # fmt: skip
def test_totals(*, amounts: str, rates: list[TaxRate], subtotal: str, tax: str, total: str) -> None:
    totals = bill(*amounts.split(), rates=rates)

    assert [str(one) for one in (totals.subtotal, totals.tax, totals.total)] == [
        subtotal, tax, total,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "status"),
    [(CANADA, TaxStatus.CALCULATED), (Address(country="DE"), TaxStatus.NO_RATE),
     (Address(), TaxStatus.NO_COUNTRY)],
)  # fmt: skip
def test_tax_status_is_flagged(address: Address, status: TaxStatus) -> None:
    totals = bill("100", rates=[rate("20")], at=address)

    assert totals.tax_status is status
    assert totals.tax == (20 if status is TaxStatus.CALCULATED else 0)


def test_a_negative_bill_is_issued_as_zero_and_carries_the_rest() -> None:
    totals = bill("10", "-60", rates=[rate("10")])

    assert (totals.total, totals.carried_credit) == (0, d("55.00"))
    closing = totals.lines[-1]
    assert (closing.line_total, closing.line.type) == (d("55.00"), LineType.ADJUSTMENT)
    assert closing.line.is_taxable is False
    assert closing.line.quantity == 1
    assert closing.line.name == "Credit carried to the next invoice"
    assert (totals.subtotal, totals.tax) == (5, -5)
    assert len(bill("10", "-10").lines) == 2, "a bill of zero needs no closing line"


@pytest.mark.parametrize(
    ("available", "granted", "total"),
    [("55.00", "55.00", "55.00"), ("110", "110", "0"), ("200", "110", "0"), ("0", "0", "110")],
)
def test_a_bill_takes_what_it_owes_of_the_customers_credit_after_tax(
    available: str, granted: str, total: str
) -> None:
    totals = assemble_invoice(
        [line("100")], [rate("10")], CANADA, USD, available_credit=d(available)
    )

    assert (totals.tax, totals.granted_credit, totals.total) == (10, d(granted), d(total))
    lines = [one for one in totals.lines if one.line.type is LineType.CREDIT]
    assert sum((-one.line_total for one in lines), d(0)) == d(granted)
    assert all(one.line.name == "Credit from an earlier invoice" for one in lines)


def test_a_bill_below_zero_takes_no_credit() -> None:
    totals = assemble_invoice([line("-5")], [], CANADA, USD, available_credit=d(10))

    assert (totals.granted_credit, totals.carried_credit, totals.total) == (0, 5, 0)


def test_untaxed_lines_carry_no_tax() -> None:
    totals = assemble_invoice([line("100"), line("50", taxable=False)], [rate("10")], CANADA, USD)

    assert (totals.subtotal, totals.tax, totals.total) == (150, 10, 160)


def test_manual_lines() -> None:
    one = manual_line("Data import", d(3), d("120.00"), USD)

    assert (one.exact_amount, one.quantity, one.unit_amount) == (360, 3, 120)
    assert (one.type, one.name, one.description) == (LineType.FIXED, "Data import", "Data import")
    assert (one.steps[0].name, one.steps[0].output) == ("price", "360")
    assert dict(one.steps[0].inputs) == {"quantity": "3", "unit_price": "120"}
    long = manual_line("x", d("1" * 30), d("0." + "1" * 20), USD)
    assert len(str(long.exact_amount)) > 45


def test_totals_that_do_not_add_up_cannot_be_made() -> None:
    totals = bill("100", rates=[rate("10")])

    for broken in ({"total": d(111)}, {"subtotal": d(99), "total": d(109)}, {"tax": d(9)}):
        with pytest.raises(InvariantBroken, match="add up"):
            replace(totals, **broken)  # type: ignore[arg-type]  # what a test says by name


def test_lines_whose_tiers_do_not_add_up_are_a_bug() -> None:
    row = TierAmount(
        starts_from=d(0), up_to=None, quantity=d(1), unit_price=d(1), flat_fee=d(0), amount=d(1)
    )

    assert assemble_invoice([replace(line("1"), tiers=(row,))], [], CANADA, USD).total == 1
    with pytest.raises(InvariantBroken, match="tiers"):
        assemble_invoice([replace(line("2"), tiers=(row,))], [], CANADA, USD)


def test_lines_round_to_the_currency() -> None:
    assert str(round_line(line("0.5", YEN), YEN).line_total) == "1"
    assert str(round_line(line("-2.675"), USD).line_total) == "-2.68"


def test_a_line_of_credit_is_called_by_where_it_comes_from() -> None:
    line = credit_line(d("3.50"), USD)

    assert line.name == line.description == "Credit from an earlier invoice"
    assert (line.type, line.exact_amount, line.is_taxable) == (LineType.CREDIT, d("-3.50"), False)
