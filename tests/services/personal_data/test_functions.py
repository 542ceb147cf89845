"""What changes events is the owner's alone, of erased customers alone, in named organizations."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import Session

from models.customers import Customer, CustomerErasure
from repositories.personal_data import erasures as stored_erasures
from repositories.transactions import Transactions
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.personal_data.erasing import EraseCustomer, erase_customer
from tests.services.shop import NOW, Shop

EVENTS = "SELECT erase_usage_events(:organization, :customer, :first, '-infinity', :first, 10)"
DISTINCT = "SELECT erase_distinct_values(:organization, :customer, 'salt')"
BUYERS = "SELECT erase_buyers(:organization, :customer, '2200-01-01Z', '{}')"
FUNCTIONS = [EVENTS, DISTINCT, BUYERS]
NAMES = ["events", "distinct", "buyers"]


@pytest.fixture
def customer(shop: Shop) -> Customer:
    """Somebody whom nobody asked to erase."""
    details = CustomerDetails(name="Ada", email="ada@wolf.test")
    return shop.do(create_customer, CreateCustomer(details=details))


def call(transactions: Transactions, statement: str, customer: Customer, *, seen: UUID) -> None:
    """Call a function about a customer, as a transaction that names an organization."""
    values = {
        "organization": customer.organization_id,
        "customer": customer.id,
        "first": UUID(int=0),
    }
    wanted = {name: value for name, value in values.items() if f":{name}" in statement}
    with transactions.for_organization(seen) as session:
        session.execute(text(statement), wanted)


@pytest.mark.parametrize("function", FUNCTIONS, ids=NAMES)
def test_nothing_changes_of_whom_nobody_asked_to_erase(
    shop: Shop, customer: Customer, function: str
) -> None:
    with pytest.raises(ProgrammingError, match="nobody asked to erase"):
        call(shop.transactions, function, customer, seen=shop.organization_id)


@pytest.mark.parametrize("function", FUNCTIONS, ids=NAMES)
def test_nothing_changes_in_an_organization_that_the_transaction_does_not_name(
    shop: Shop, other_shop: Shop, customer: Customer, function: str
) -> None:
    erase(shop, customer)

    with pytest.raises(ProgrammingError, match="nobody asked to erase"):
        call(shop.transactions, function, customer, seen=other_shop.organization_id)


@pytest.mark.parametrize("function", FUNCTIONS[:2], ids=NAMES[:2])
def test_nothing_changes_once_an_erasure_is_over(
    shop: Shop, customer: Customer, function: str
) -> None:
    erase(shop, customer)
    call(shop.transactions, function, customer, seen=shop.organization_id)
    over = "UPDATE customer_erasure SET checked_at = completed_at"
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(text(over))

    with pytest.raises(ProgrammingError, match="nobody asked to erase"):
        call(shop.transactions, function, customer, seen=shop.organization_id)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE usage_event SET meta_data = NULL",
        "DELETE FROM usage_event_key",
        "UPDATE invoice_parties SET parties = '{}'",
        "DELETE FROM customer_erasure",
    ],
)
def test_the_application_itself_may_change_none_of_it(shop: Shop, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        shop.transactions.for_organization(shop.organization_id) as session,
    ):
        session.execute(text(statement))


def test_erasing_twice_at_once_is_erasing_once(shop: Shop, customer: Customer) -> None:
    first, again = erase(shop, customer), erase(shop, customer)

    assert again.requested_at == first.requested_at
    with shop.transactions.for_organization(shop.organization_id) as session:
        recorded = "SELECT count(*) FROM audit_entry WHERE action = 'customer.erased'"
        assert session.execute(text(recorded)).scalar_one() == 1


def erase(shop: Shop, customer: Customer) -> CustomerErasure:
    command = EraseCustomer(confirm=str(customer.id), document_years=10)

    def run(session: Session, organization_id: UUID, **options: object) -> object:
        erase_customer(session, organization_id, customer.id, command, now=NOW)
        return stored_erasures.find_erasure(session, organization_id, customer.id)

    found = shop.do(run)
    assert isinstance(found, CustomerErasure)
    return found
