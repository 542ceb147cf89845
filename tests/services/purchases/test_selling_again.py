"""Credit that is sold again and again: at its times, whoever runs, and by nobody else's locks."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from billing.credits.grants import GrantKind
from billing.credits.purchases import Cost
from billing.invoicing.kinds import InvoiceKind
from billing.periods import Cadence, Interval
from models.credits.grant_rules import CreditGrantRule
from models.invoicing.invoices import Invoice
from services.credits.recurring.rules import NewGrantRule
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.purchases import recurring
from tests.services.lives import START, begin_life
from tests.services.shop import NOW, Shop

MONTHLY = Cadence(interval=Interval.MONTH)


def add_customer(shop: Shop, test_clock_id: UUID | None = None) -> UUID:
    """A customer without credit."""
    details = CustomerDetails(name="Quay", email="a@quay.test", billing_address_country="DE")
    command = CreateCustomer(details=details, test_clock_id=test_clock_id)
    return shop.do(create_customer, command).id


def sell_monthly(
    shop: Shop, customer_id: UUID, currency: str = "USD", *, now: datetime = NOW, **more: Any
) -> CreditGrantRule:
    """Ten of credit for eight, each month, which each last one."""
    terms: dict[str, Any] = {"interval": MONTHLY, "expires_after": MONTHLY} | more
    cost = Cost(amount=Decimal(8), currency=currency)
    command = NewGrantRule(
        unit=currency, amount=Decimal(10), kind=GrantKind.PAID, cost=cost, **terms
    )
    return shop.do(recurring.create_rule, customer_id, command, now=now)


def sales_of(shop: Shop, customer_id: UUID) -> list[datetime]:
    """When the customer was sold credit."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        found = session.exec(
            select(Invoice.issue_date)
            .where(Invoice.customer_id == customer_id, Invoice.kind == InvoiceKind.PURCHASE)
            .order_by(col(Invoice.issue_date))
        )
        return list(found)


def test_the_hourly_check_sells_where_a_clock_stood_and_not_where_it_goes(shop: Shop) -> None:
    life = begin_life(shop)
    customer_id = add_customer(shop, life.clock_id)
    sell_monthly(shop, customer_id)
    stood = START.replace(month=START.month + 1, day=3)
    life.advance(stood)
    life.send_clock(START.replace(month=START.month + 3))

    shop.do(partial(recurring.grant_all_due, limit=10))

    assert sales_of(shop, customer_id) == [START, stood]
