"""Who moves in the grace is taxed by where they live as the bill becomes final."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlmodel import select

from models.customers import Customer
from models.invoicing.invoices import InvoiceTax
from services.catalog.tax_rates import CreateTaxRate, create_tax_rate
from tests.services.invoicing.bills import FEBRUARY, GRACE_OVER, invoices_of, pass_to, use
from tests.services.invoicing.prepaid.drawn import findings, give
from tests.services.lives import Life, begin_life
from tests.services.shop import Shop


def tax(shop: Shop, name: str, country: str, percentage: int, *, inclusive: bool = False) -> None:
    """A rate of a country."""
    rate = CreateTaxRate(
        name=name, country=country, percentage=Decimal(percentage), inclusive=inclusive
    )
    shop.do(create_tax_rate, rate)


def move_to(life: Life, country: str) -> None:
    """The customer lives there from now on."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        customer = session.get(Customer, (shop.organization_id, life.row().customer_id))
        assert customer is not None
        customer.billing_address_country = country
        session.add(customer)


def taxes(life: Life) -> list[tuple[str, Decimal]]:
    """The taxes of all invoices."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        return [(one.name, one.percentage) for one in session.exec(select(InvoiceTax))]


@pytest.mark.parametrize("credit", ["0", "30", "100"])
@pytest.mark.parametrize("after", [(20, False), (5, True)])
def test_taxes_are_those_of_where_the_customer_lives_at_last(
    shop: Shop, credit: str, after: tuple[int, bool]
) -> None:
    percentage, inclusive = after
    tax(shop, "VAT", "GB", 20)
    tax(shop, "TVA", "FR", percentage, inclusive=inclusive)
    life = begin_life(shop)
    move_to(life, "GB")
    if Decimal(credit):
        give(life, credit)
    use(life, (5, "80"))
    pass_to(life, FEBRUARY)
    move_to(life, "FR")
    pass_to(life, GRACE_OVER)

    assert taxes(life) == [("TVA", percentage)]
    assert findings(life) == []


def test_who_gets_a_country_with_a_rate_of_nothing_is_taxed_by_it(shop: Shop) -> None:
    tax(shop, "Reverse charge", "FR", 0)
    life = begin_life(shop)
    give(life, "30")
    use(life, (5, "80"))
    pass_to(life, FEBRUARY)
    move_to(life, "FR")
    pass_to(life, GRACE_OVER)

    assert invoices_of(life)[0].tax_status == "calculated"
    assert taxes(life) == [("Reverse charge", 0)]
