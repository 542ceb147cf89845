"""Credit that is sold has a cost, credit that is given has none, and a cost is money."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.credits.grants import GrantKind, Spendable
from billing.credits.purchases import Cost, require_terms
from billing.errors import InvalidInput

TEN = Cost(amount=Decimal(10), currency="USD")


@pytest.mark.parametrize(
    ("amount", "currency", "code", "field"),
    [
        ("0", "USD", "not_positive", "cost.amount"),
        ("-1", "USD", "not_positive", "cost.amount"),
        ("1.001", "USD", "finer_than_unit", "cost.amount"),
        ("0.5", "JPY", "finer_than_unit", "cost.amount"),
        ("1.0001", "KWD", "finer_than_unit", "cost.amount"),
    ],
)
def test_what_no_cost_can_be_is_refused_and_named(
    amount: str, currency: str, code: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        Cost(amount=Decimal(amount), currency=currency)

    assert (refused.value.code, refused.value.field) == (code, field)


def test_an_unknown_currency_is_named_as_the_costs() -> None:
    with pytest.raises(InvalidInput) as refused:
        Cost(amount=Decimal(1), currency="XAU")

    assert refused.value.field == "cost.currency"


@pytest.mark.parametrize(
    ("amount", "currency"), [("0.01", "USD"), ("1", "JPY"), ("0.001", "KWD"), ("10.00", "EUR")]
)
def test_the_smallest_unit_of_a_currency_is_a_cost(amount: str, currency: str) -> None:
    assert Cost(amount=Decimal(amount), currency=currency).amount == Decimal(amount)


@pytest.mark.parametrize(
    ("kind", "cost", "spendable", "code", "field"),
    [
        (GrantKind.PAID, None, None, "no_cost", "cost"),
        (GrantKind.PAID, None, Spendable.ON_PAYMENT, "no_cost", "cost"),
        (GrantKind.FREE, TEN, None, "cost_of_free_credit", "cost"),
        (GrantKind.FREE, TEN, Spendable.ON_PAYMENT, "cost_of_free_credit", "cost"),
        (GrantKind.FREE, None, Spendable.ON_PAYMENT, "spendable_of_free_credit", "spendable"),
    ],
)
def test_terms_that_do_not_fit_name_the_field(
    kind: GrantKind, cost: Cost | None, spendable: Spendable | None, code: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_terms(kind, cost, spendable)

    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize("spendable", [None, *Spendable])
def test_sold_credit_may_wait_for_its_payment_or_not(spendable: Spendable | None) -> None:
    require_terms(GrantKind.PAID, TEN, spendable)


@pytest.mark.parametrize(
    "spendable", [None, *(one for one in Spendable if one is not Spendable.ON_PAYMENT)]
)
def test_free_credit_costs_nothing_and_waits_for_nothing(spendable: Spendable | None) -> None:
    require_terms(GrantKind.FREE, None, spendable)
