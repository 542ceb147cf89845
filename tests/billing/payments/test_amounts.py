"""Which amounts can be paid."""

from __future__ import annotations

import pytest

from billing.errors import InvalidInput
from billing.money import find_currency
from billing.payments.amounts import require_amount
from tests.billing.builders import d


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("0.01", "USD"), ("82.45", "USD"), ("82.450", "USD"), ("1", "JPY"), ("0.001", "KWD")],
)
def test_money_is_paid_in_whole_minor_units(amount: str, currency: str) -> None:
    require_amount(d(amount), find_currency(currency))


@pytest.mark.parametrize(
    ("amount", "currency", "places"),
    [("0", "USD", 2), ("-1", "USD", 2), ("0.005", "USD", 2), ("0.5", "JPY", 0)],
)
def test_an_amount_that_nobody_can_pay_is_refused(amount: str, currency: str, places: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_amount(d(amount), find_currency(currency))

    assert (refused.value.code, refused.value.field) == ("amount_invalid", "amount")
    assert refused.value.detail == (
        f"An amount of {currency} is above 0 and has at most {places} decimal places."
    )


@pytest.mark.parametrize(
    ("most", "more", "currency"),
    [
        ("9999999999999.99", "10000000000000", "USD"),
        ("999999999999999", "1000000000000000", "JPY"),
        ("999999999999.999", "1e20", "KWD"),
    ],
)
def test_money_has_fifteen_digits_at_most(most: str, more: str, currency: str) -> None:
    require_amount(d(most), find_currency(currency))

    with pytest.raises(InvalidInput, match=f"An amount of {currency} is {most} at most") as refused:
        require_amount(d(more), find_currency(currency))

    assert (refused.value.code, refused.value.field) == ("amount_too_large", "amount")
