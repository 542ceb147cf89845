"""Credits that never exceed what was billed."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import Conflict, InvalidInput
from billing.identifiers import TaxRateId
from billing.invoicing.credit_notes import (
    credit_note,
    credited_taxes,
    require_creditable,
    taxes_of_note,
)
from billing.invoicing.taxes import TaxAmount, calculate_taxes
from billing.units import Unit
from tests.billing.builders import USD, d
from tests.billing.profiles import supporting


def creditable(amount: str, left: str = "2.45") -> None:
    require_creditable(left=d(left), amount=d(amount), unit=USD)


@pytest.mark.parametrize("amount", ["2.45", "0.01", "2.450"])
def test_what_is_left_of_a_line_can_be_credited(amount: str) -> None:
    creditable(amount)


@pytest.mark.parametrize(
    ("amount", "left", "said"),
    [("2.46", "2.45", "2.45"), ("0.01", "-5.00", "0.00"), ("0.01", "0", "0.00")],
)
def test_a_credit_above_what_is_left_is_refused_and_says_what_is_left(
    amount: str, left: str, said: str
) -> None:
    with pytest.raises(Conflict) as refused:
        creditable(amount, left)
    assert (refused.value.code, refused.value.field) == ("credit_exceeds_line", "amount")
    assert refused.value.identifiers == {"left": said}


@pytest.mark.parametrize("amount", ["0", "-1", "0.001"])
def test_a_credit_is_a_positive_amount_of_money(amount: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        creditable(amount)
    assert (refused.value.code, refused.value.field) == ("invalid_amount", "amount")


def taxed(percentage: str, *, inclusive: bool = False) -> TaxAmount:
    """A rate that an invoice was taxed by."""
    return TaxAmount(
        tax_rate_id=TaxRateId(UUID(int=1)),
        name="VAT",
        percentage=d(percentage),
        is_inclusive=inclusive,
        taxable=d(0),
        amount=d(0),
    )


percentages = st.lists(st.integers(0, 10**5).map(lambda one: Decimal(one).scaleb(-3)), max_size=3)


@supporting
@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=5), percentages)
def test_credits_of_an_invoice_give_back_exactly_its_tax(
    parts: list[int], rates: list[Decimal]
) -> None:
    amounts = [Decimal(part).scaleb(-2) for part in parts]
    of_invoice = [taxed(str(rate)) for rate in rates]
    taxes = calculate_taxes(sum(amounts, d(0)), of_invoice, USD)
    tax = sum((one.amount for one in taxes), d(0))
    before, given_back = d(0), d(0)

    for amount in amounts:
        note = credit_note(amount=amount, credited_before=before, rates=of_invoice, currency=USD)
        before += amount
        given_back += note.tax
        assert note.subtotal == amount
        assert note.total == amount + note.tax
        assert 0 <= given_back <= tax
        assert note.tax == USD.round(note.tax)

    assert given_back == tax


@supporting
@given(
    st.lists(st.integers(100, 10**7), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 10**5), st.booleans()), max_size=3),
)
def test_each_rate_gives_back_exactly_what_it_took(
    parts: list[int], rates: list[tuple[int, bool]]
) -> None:
    amounts = [Decimal(part).scaleb(-2) for part in parts]
    of_invoice = [taxed(str(Decimal(one).scaleb(-3)), inclusive=within) for one, within in rates]
    before, given_back = d(0), [d(0)] * len(rates)

    for amount in amounts:
        given = credited_taxes(
            amount=amount, credited_before=before, rates=of_invoice, currency=USD
        )
        before += amount
        given_back = [sum_ + one.amount for sum_, one in zip(given_back, given, strict=True)]

    assert given_back == [one.amount for one in calculate_taxes(before, of_invoice, USD)]


@pytest.mark.parametrize(
    ("amount", "before", "rates", "tax"),
    [
        ("50", "0", ["18"], "9"),
        ("50", "50", ["18"], "9"),
        # 100 with a late line of -100 beside it was taxed with 0; its credit is taxed all the same.
        ("100", "0", ["18", "2"], "20"),
        ("5", "0", [], "0"),
    ],
)
def test_credits_carry_their_share_of_the_tax(
    amount: str, before: str, rates: list[str], tax: str
) -> None:
    note = credit_note(
        amount=d(amount),
        credited_before=d(before),
        rates=[taxed(rate) for rate in rates],
        currency=USD,
    )

    assert note.tax == d(tax)


@supporting
@given(st.lists(st.integers(100, 10**7), min_size=1, max_size=5), percentages)
def test_credits_of_lines_with_their_tax_give_back_exactly_what_they_contain(
    parts: list[int], rates: list[Decimal]
) -> None:
    amounts = [Decimal(part).scaleb(-2) for part in parts]
    of_invoice = [taxed(str(rate), inclusive=True) for rate in rates]
    before, given_back = d(0), d(0)

    for amount in amounts:
        note = credit_note(amount=amount, credited_before=before, rates=of_invoice, currency=USD)
        before += amount
        given_back += note.tax
        assert note.total == amount == note.subtotal + note.tax
        assert note.subtotal > 0

    assert given_back == sum((one.amount for one in calculate_taxes(before, of_invoice, USD)), d(0))


def test_note_of_a_cent_is_never_all_tax() -> None:
    notes = [
        credit_note(
            amount=d("0.01"),
            credited_before=d("0.01") * place,
            rates=[taxed("19", inclusive=True), taxed("900", inclusive=True)],
            currency=USD,
        )
        for place in range(10)
    ]

    assert {(one.subtotal, one.tax) for one in notes} == {(d("0.01"), d("0.00"))}


def test_each_rate_gives_back_its_part_of_what_was_taxed() -> None:
    rates = [taxed("18", inclusive=True), taxed("5")]

    found = credited_taxes(amount=d(59), credited_before=d(118), rates=rates, currency=USD)

    assert [(one.taxable, one.amount) for one in found] == [(50, 9), (50, d("2.50"))]


def test_tax_of_each_rate_leaves_a_cent_of_what_contains_it() -> None:
    rates = [taxed("20", inclusive=True), taxed("5")]

    found = credited_taxes(amount=d("0.01"), credited_before=d("0.02"), rates=rates, currency=USD)

    assert [(one.taxable, one.amount) for one in found] == [(d("0.01"), 0), (d("0.01"), 0)]


def test_the_last_cent_of_a_note_is_net_and_the_last_rates_give_way_first() -> None:
    rates = [taxed("300", inclusive=True)] * 3 + [taxed("500")]

    given = credited_taxes(amount=d("0.02"), credited_before=d(0), rates=rates, currency=USD)
    note = credit_note(amount=d("0.02"), credited_before=d(0), rates=rates, currency=USD)

    assert [one.amount for one in given] == [d("0.01"), 0, 0, d("0.01")]
    assert (note.subtotal, note.tax, note.total) == (d("0.01"), d("0.02"), d("0.03"))


@pytest.mark.parametrize(
    ("amount", "rates", "subtotal", "tax", "total"),
    [
        pytest.param("50", [taxed("18")], "50", "9", "59", id="on top, documented"),
        pytest.param("59", [taxed("18", inclusive=True)], "50", "9", "59", id="in it, documented"),
        pytest.param("59", [taxed("18", inclusive=True), taxed("10")], "50", "14", "64", id="both"),
        pytest.param("0.01", [taxed("18")], "0.01", "0", "0.01", id="a cent"),
        pytest.param("50", [taxed("0")], "50", "0", "50", id="of nothing"),
        pytest.param("50", [], "50", "0", "50", id="untaxed"),
    ],
)
def test_a_note_gives_back_its_amount_and_what_was_taken_on_top(
    *, amount: str, rates: list[TaxAmount], subtotal: str, tax: str, total: str
) -> None:
    note = credit_note(amount=d(amount), credited_before=d(0), rates=rates, currency=USD)

    assert (note.subtotal, note.tax, note.total) == (d(subtotal), d(tax), d(total))


def test_notes_of_old_said_nothing_of_the_tax_that_was_in_their_lines() -> None:
    """59 of lines that contain 18 %: once 5.00 on top was all that a note had given back."""
    rates = [taxed("18", inclusive=True), taxed("10")]

    def given(tax: str) -> list[tuple[bool, Decimal]]:
        found = taxes_of_note(
            tax=d(tax), amount=d(59), credited_before=d(0), rates=rates, currency=USD
        )
        return [(one.is_inclusive, one.amount) for one in found]

    assert given("14") == [(True, 9), (False, 5)]
    assert given("5") == [(False, 5)]


@pytest.mark.parametrize(
    ("amount", "scale", "is_refused"),
    [("0.5", 0, True), ("1", 0, False), ("0.1", 1, False), ("0.05", 1, True)],
)
def test_a_credit_of_tokens_is_a_positive_amount_of_tokens(
    amount: str, scale: int, *, is_refused: bool
) -> None:
    unit = Unit(code="TOKENS", scale=scale)

    if not is_refused:
        require_creditable(left=d(1), amount=d(amount), unit=unit)
        return
    with pytest.raises(InvalidInput, match="positive amount of TOKENS"):
        require_creditable(left=d(1), amount=d(amount), unit=unit)


def test_a_credit_of_tokens_is_told_what_is_left_of_them() -> None:
    with pytest.raises(Conflict) as refused:
        require_creditable(left=d("1.5"), amount=d(2), unit=Unit(code="TOKENS", scale=1))

    assert refused.value.identifiers == {"left": "1.5"}
