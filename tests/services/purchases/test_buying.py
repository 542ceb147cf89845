"""Credit is sold by an invoice, and can be spent once that is paid."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.credits.grants import GrantKind, GrantStatus, Spendable
from billing.credits.purchases import Cost
from billing.errors import InvalidInput
from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import InvoiceKind
from services.credits.grants import NewGrant
from services.purchases import buying
from services.purchases.buying import Terms
from tests.services.credits.purse import BEGIN, DAY, UNIT
from tests.services.purchases.till import Till

TEN_DOLLARS = Cost(amount=Decimal(10), currency="USD")


def test_what_is_sold_is_billed_at_once_and_waits_for_its_payment(till: Till) -> None:
    sold = till.sell("1000", "10.00")

    invoice = till.invoice_of(sold)
    assert (invoice.kind, invoice.status) == (InvoiceKind.PURCHASE, InvoiceStatus.OPEN)
    assert invoice.amount_due == Decimal(10)
    assert invoice.invoice_number is not None
    assert sold.status is GrantStatus.PENDING
    assert till.purse.balance().available == 0

    till.pay(invoice.id, "10.00", now=BEGIN + DAY)

    paid = till.purse.read(sold.row.id, now=BEGIN + DAY)
    assert (paid.status, paid.begins_at) == (GrantStatus.ACTIVE, BEGIN + DAY)
    assert till.purse.balance(now=BEGIN + DAY).available == 1000


def test_paying_for_n_gives_n_and_not_twice_as_much(till: Till) -> None:
    """What a wrong call did elsewhere: free credit on top of what was paid for."""
    sold = till.sell("1000", "10.00")
    till.pay(sold.row.invoice_id, "10.00")

    assert till.purse.movements() == [("granted", Decimal(1000))]
    assert sold.row.kind == GrantKind.PAID


def test_a_part_of_the_money_begins_nothing(till: Till) -> None:
    sold = till.sell("1000", "10.00")

    till.pay(sold.row.invoice_id, "9.99")
    assert till.purse.balance().available == 0

    till.pay(sold.row.invoice_id, "0.01", now=BEGIN + timedelta(minutes=2))
    assert till.purse.balance(now=BEGIN + DAY).available == 1000


def test_what_is_paid_early_begins_when_it_was_to(till: Till) -> None:
    sold = till.sell("1000", "10.00", effective_at=BEGIN + 3 * DAY)
    till.pay(sold.row.invoice_id, "10.00")

    assert till.purse.balance(now=BEGIN + 2 * DAY).available == 0
    assert till.purse.balance(now=BEGIN + 3 * DAY).available == 1000


def test_credit_at_once_can_be_spent_before_it_is_paid(till: Till) -> None:
    sold = till.sell("1000", "10.00", spendable=Spendable.AT_ONCE)
    assert till.purse.balance().available == 1000

    till.pay(sold.row.invoice_id, "10.00")

    assert till.purse.movements() == [("granted", Decimal(1000))]


def test_no_credit_pays_for_credit(till: Till) -> None:
    till.purse.grant("1000000")
    invoice = till.invoice_of(till.sell("1000", "10.00"))

    assert (invoice.amount_due, invoice.granted_credit) == (Decimal(10), Decimal(0))


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(kind=GrantKind.FREE, cost=TEN_DOLLARS), "cost"),
        (Terms(kind=GrantKind.PAID), "cost"),
        (Terms(kind=GrantKind.FREE, spendable=Spendable.ON_PAYMENT), "spendable"),
    ],
)
def test_terms_that_contradict_each_other_name_the_field(
    till: Till, terms: Terms, field: str
) -> None:
    command = NewGrant(unit=UNIT, amount=Decimal(5))

    with pytest.raises(InvalidInput) as refused:
        till.purse.shop.do(buying.create_grant, till.purse.customer_id, command, terms)

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("amount", "currency", "field"),
    [("0", "USD", "cost.amount"), ("0.001", "USD", "cost.amount"), ("5", "XYZ", "cost.currency")],
)
def test_a_cost_is_money(amount: str, currency: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Cost(amount=Decimal(amount), currency=currency)

    assert refused.value.field == field
