"""Customers and tax rates."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest

from billing.errors import Conflict, InvalidInput, NotFound
from models.base import new_id
from models.customers import Customer
from models.subscriptions import clocks
from repositories import customers as stored_customers
from repositories.catalog import tax_rates
from services import customers
from services.addresses import COUNTRIES
from services.catalog import tax_rates as taxes
from services.catalog.tax_rates import CreateTaxRate
from services.customers import CreateCustomer, CustomerDetails, UpdateCustomer
from tests.services.shop import NOW, Shop


def add(shop: Shop, test_clock_id: Any = None, **details: Any) -> Customer:
    known = CustomerDetails(**{"name": "Harbor Labs", "email": "ap@harbor.test", **details})
    command = CreateCustomer(details=known, test_clock_id=test_clock_id)
    return shop.do(customers.create_customer, command)


def edit(shop: Shop, customer: Customer, **details: Any) -> Customer:
    known = CustomerDetails(**{"name": "", **details})
    command = UpdateCustomer(details=known, given=frozenset(details))
    later = NOW + timedelta(hours=1)
    return shop.do(customers.update_customer, customer.id, command, now=later)


def found(shop: Shop, search: str | None = None) -> list[str]:
    filters: dict[str, Any] = {} if search is None else {"search": search}
    page = shop.show(stored_customers.CUSTOMER_PAGES, **filters)
    assert page.total == len(page.data)
    return [row.name for row in page.data]


def test_customer_is_edited_field_by_field(shop: Shop) -> None:
    customer = add(shop, external_id="acct_77", billing_address_country="gb")

    edit(shop, customer, phone="+44-20-5550-0101", external_id=None)

    stored = shop.read(customers.get_customer, customer.id)
    assert (stored.name, stored.email, stored.phone) == (
        "Harbor Labs",
        "ap@harbor.test",
        "+44-20-5550-0101",
    )
    assert (stored.external_id, stored.billing_address_country) == (None, "GB")
    assert (stored.created_at, stored.updated_at) == (NOW, NOW + timedelta(hours=1))


def test_edit_that_changes_nothing_leaves_no_trace(shop: Shop) -> None:
    customer = add(shop, billing_address_country="GB")

    edit(shop, customer, name="Harbor Labs", billing_address_country="gb")

    assert shop.read(customers.get_customer, customer.id).updated_at == NOW


def test_external_id_names_one_customer_of_an_organization(shop: Shop, other_shop: Shop) -> None:
    add(shop, external_id="acct_77")
    other = add(shop)
    add(other_shop, external_id="acct_77")

    with pytest.raises(Conflict) as created:
        add(shop, external_id="acct_77")
    with pytest.raises(Conflict) as renamed:
        edit(shop, other, external_id="acct_77")

    for caught in (created, renamed):
        assert (caught.value.code, caught.value.field) == ("external_id_taken", "external_id")


def test_of_concurrent_customers_with_one_external_id_one_exists(shop: Shop) -> None:
    def attempt(_: int) -> str:
        try:
            add(shop, external_id="acct_1")
        except Conflict as error:
            return error.code
        return "created"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(attempt, range(8)))

    assert outcomes == ["created"] + ["external_id_taken"] * 7
    assert found(shop) == ["Harbor Labs"]


def test_deleted_customer_is_hidden_and_its_external_id_free(shop: Shop) -> None:
    customer = add(shop, external_id="acct_77")

    shop.do(customers.delete_customer, customer.id)

    assert found(shop) == []
    for attempt in (
        lambda: shop.read(customers.get_customer, customer.id),
        lambda: edit(shop, customer, name="Ghost"),
        lambda: shop.do(customers.delete_customer, customer.id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert add(shop, external_id="acct_77").id != customer.id


def test_customer_of_another_organization_is_not_found(shop: Shop, other_shop: Shop) -> None:
    customer = add(shop)

    for attempt in (
        lambda: other_shop.read(customers.get_customer, customer.id),
        lambda: edit(other_shop, customer, name="Mine"),
        lambda: other_shop.do(customers.delete_customer, customer.id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert found(other_shop) == []


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("harbor", ["Harbor Labs"]),
        ("AP@", ["Harbor Labs"]),
        ("acct_7", ["100% Café"]),
        ("%", ["100% Café"]),
        ("_", ["100% Café"]),
        ("\\", []),
        ("CAFÉ", ["100% Café"]),
        ("'; DROP TABLE customer; --", []),
        (None, ["Harbor Labs", "100% Café"]),
    ],
)
def test_search_looks_into_name_email_and_external_id_literally(
    shop: Shop, search: str | None, expected: list[str]
) -> None:
    add(shop)
    add(shop, name="100% Café", email="owner@cafe.test", external_id="acct_7")

    assert found(shop, search) == expected


@pytest.mark.parametrize("country", ["UK", "XX", "", "G", "GBR", "12", "ß"])
def test_unknown_country_is_refused(shop: Shop, country: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        add(shop, billing_address_country=country)

    assert caught.value.field == "billing_address_country"
    assert found(shop) == []


def test_countries_are_those_of_iso_3166() -> None:
    table = resources.files("tzdata").joinpath("zoneinfo/iso3166.tab").read_text("utf-8")
    listed = {line[:2] for line in table.splitlines() if not line.startswith("#")}

    assert listed == COUNTRIES


def test_customer_lives_on_a_test_clock_of_its_organization(shop: Shop, other_shop: Shop) -> None:
    clock_id, ended_id = new_id(), new_id()
    with shop.transactions.for_organization(shop.organization_id) as session:
        for identifier, deleted_at in ((clock_id, None), (ended_id, NOW)):
            session.add(
                clocks.TestClock(
                    organization_id=shop.organization_id,
                    id=identifier,
                    name="A year",
                    frozen_time=NOW,
                    created_at=NOW,
                    deleted_at=deleted_at,
                )
            )

    assert add(shop, clock_id).test_clock_id == clock_id
    for business, identifier in ((shop, ended_id), (shop, new_id()), (other_shop, clock_id)):
        with pytest.raises(NotFound) as caught:
            add(business, identifier)
        assert caught.value.field == "test_clock_id"


def test_deleted_tax_rate_is_no_longer_in_force(shop: Shop, other_shop: Shop) -> None:
    def add_rate(name: str, percentage: str, state: str | None = None) -> Any:
        command = CreateTaxRate(
            name=name, country="ca", state=state, percentage=Decimal(percentage), inclusive=False
        )
        return shop.do(taxes.create_tax_rate, command).id

    add_rate("GST", "5")
    quebec = add_rate("QST", "9.975", "QC")
    old = add_rate("Old", "7")

    shop.do(taxes.delete_tax_rate, old)

    in_force = shop.read(tax_rates.list_rates_in_force)
    assert [(one.name, one.country, one.state, one.percentage) for one in in_force] == [
        ("GST", "CA", None, Decimal(5)),
        ("QST", "CA", "QC", Decimal("9.975")),
    ]
    assert shop.read(taxes.get_tax_rate, quebec).inclusive is False
    with pytest.raises(NotFound):
        shop.do(taxes.delete_tax_rate, old)
    with pytest.raises(NotFound):
        other_shop.do(taxes.delete_tax_rate, quebec)


@pytest.mark.parametrize(
    ("values", "field"),
    [({"percentage": Decimal("1000.01")}, "percentage"), ({"country": "UK"}, "country")],
)
def test_tax_rate_that_makes_no_sense_is_refused_by_field(
    shop: Shop, values: dict[str, Any], field: str
) -> None:
    known: dict[str, Any] = {"name": "VAT", "country": "GB", "percentage": Decimal(20)}

    with pytest.raises(InvalidInput) as caught:
        shop.do(taxes.create_tax_rate, CreateTaxRate(**{**known, **values}))

    assert caught.value.field == field
