"""Bounds, and credits that never exceed what was billed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.adjustments import clamp, credit_note, require_creditable
from billing.errors import Conflict, InvalidInput
from billing.pricing import Price
from tests.billing.builders import DOCUMENTED_TIERS, USD, d
from tests.billing.profiles import supporting


@pytest.mark.parametrize(
    ("amount", "minimum", "maximum", "result", "rule"),
    [("5", "10", None, "10", "minimum"), ("15", None, "10", "10", "maximum"),
     ("10", "10", "10", "10", None), ("12", "10", "20", "12", None), ("0", None, None, "0", None)],
)  # fmt: skip
def test_bounds(
    *, amount: str, minimum: str | None, maximum: str | None, result: str, rule: str | None
) -> None:
    clamped = clamp(
        Price(amount=d(amount)),
        d(1),
        *(None if one is None else d(one) for one in (minimum, maximum)),
    )

    assert (clamped.price, clamped.rule) == (Price(amount=d(result)), rule)


def test_a_bound_on_tiers_closes_them_with_a_row_of_its_own() -> None:
    price = DOCUMENTED_TIERS.price(d(15000))

    raised = clamp(price, d(15000), d(20), None).price
    capped = clamp(price, d(15000), None, d(10)).price

    assert (raised.amount, capped.amount) == (20, 10)
    assert raised.tiers[:-1] == capped.tiers[:-1] == price.tiers
    for row, difference, rule in [
        (raised.tiers[-1], "6.5", "minimum"),
        (capped.tiers[-1], "-3.5", "maximum"),
    ]:
        assert (row.amount, row.flat_fee, row.adjustment) == (d(difference), d(difference), rule)
        assert (row.starts_from, row.up_to, row.quantity, row.unit_price) == (15000, 15000, 0, 0)


def creditable(amount: str, left: str = "2.45") -> None:
    require_creditable(left=d(left), amount=d(amount), currency=USD)


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


@supporting
@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=5), st.integers(0, 10**7))
def test_credits_of_an_invoice_give_back_exactly_its_tax(parts: list[int], tax_minor: int) -> None:
    amounts = [Decimal(part).scaleb(-2) for part in parts]
    taxable, tax = sum(amounts, d(0)), Decimal(tax_minor).scaleb(-2)
    before, given_back = d(0), d(0)

    for amount in amounts:
        note = credit_note(
            amount=amount, credited_before=before, taxable=taxable, tax=tax, currency=USD
        )
        before += amount
        given_back += note.tax
        assert note.subtotal == amount
        assert note.total == amount + note.tax
        assert 0 <= given_back <= tax
        assert note.tax == USD.round(note.tax)

    assert given_back == tax


def test_credits_carry_their_share_of_the_tax() -> None:
    def tax_of(amount: str, before: str, taxable: str = "100", tax: str = "18") -> Decimal:
        return credit_note(
            amount=d(amount),
            credited_before=d(before),
            taxable=d(taxable),
            tax=d(tax),
            currency=USD,
        ).tax

    assert tax_of("50", "0") == 9
    assert tax_of("50", "50") == 9
    assert tax_of("150", "0") == 18
    assert tax_of("5", "0", taxable="0") == 0
    assert tax_of("5", "0", taxable="-5", tax="-1") == 0
