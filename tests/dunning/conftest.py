"""A product whose gateway a test decides, and an organization that is connected to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.payments.gateways import Provider
from models.base import new_id
from models.payments.connections import Connection
from models.payments.links import PaymentMethod
from repositories.notifications.emails import list_of_invoice as list_emails
from repositories.payments import links as stored_links
from repositories.payments.payments import list_of_invoice
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from tests.dunning.gateway import METHOD, ScriptedGateway
from tests.dunning.work import Work
from tests.scenarios.account import Account
from tests.scenarios.product import Product, settings_for
from tests.services.lives import begin_life
from tests.services.shop import NOW, open_shop

FEBRUARY = "2025-02-01T01:00:00Z"
"""When the invoice of January is final, and first tried."""

FINAL_AT = datetime(2025, 2, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Site:
    """An organization with a monthly fee of 30, a customer on a clock, and its gateway."""

    account: Account
    gateway: ScriptedGateway
    clock: dict[str, Any]
    customer: dict[str, Any]
    subscription: dict[str, Any]
    transactions: Transactions

    def advance(self, to: str) -> None:
        """Everything that was due by then has happened."""
        self.account.advance(self.clock, to)

    def invoice(self, place: int = 0) -> dict[str, Any]:
        """One of the subscription's invoices."""
        return self.account.invoices(self.subscription)[place]

    def status(self) -> str:
        """The subscription's."""
        return str(self.account.get(f"/subscriptions/{self.subscription['id']}")["status"])

    def payments(self, place: int = 0) -> list[tuple[str, str]]:
        """When each try of an invoice was made, and what became of it."""
        invoice_id = UUID(self.invoice(place)["id"])
        with self.transactions.for_organization(self.organization_id) as session:
            found = list_of_invoice(session, self.organization_id, invoice_id)
            return [(f"{one.at:%m-%d %H:%M}", one.status) for one in found]

    def causes(self, place: int = 0) -> list[str]:
        """Why mails about an invoice were sent."""
        invoice_id = UUID(self.invoice(place)["id"])
        with self.transactions.for_organization(self.organization_id) as session:
            return [one.cause for one in list_emails(session, self.organization_id, invoice_id)]

    def forget_method(self) -> None:
        """The customer has saved nothing that can be charged."""
        with self.transactions.for_organization(self.organization_id) as session:
            session.execute(text("UPDATE payment_method SET is_usable = false"))

    def disconnect(self) -> None:
        """The organization has no account at a gateway any more."""
        with self.transactions.for_organization(self.organization_id) as session:
            session.execute(text("UPDATE connection SET deleted_at = now()"))

    @property
    def organization_id(self) -> UUID:
        """Whose everything is."""
        return UUID(self.account.organization["id"])


@pytest.fixture(scope="module")
def gateway() -> ScriptedGateway:
    """The gateway of the module's product."""
    return ScriptedGateway()


@pytest.fixture(scope="module")
def product(
    module_database_url: str, temporal_address: str, gateway: ScriptedGateway
) -> Iterator[Product]:
    """API and worker on the real servers, whose worker speaks to the gateway."""
    running = Product(
        settings_for(module_database_url, temporal_address),
        gateways=gateway,
    ).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """Transactions beside the product's."""
    engine = create_application_engine(module_database_url)
    yield Transactions(engine)
    engine.dispose()


@pytest.fixture
def site(product: Product, gateway: ScriptedGateway, transactions: Transactions) -> Iterator[Site]:
    """A fresh organization with its connection; the gateway takes every charge."""
    gateway.__init__()  # type: ignore[misc]  # as new, for whoever speaks to it already
    opened = open_site(product.url, gateway, transactions)
    yield opened
    opened.account.client.close()


def open_site(url: str, gateway: ScriptedGateway, transactions: Transactions) -> Site:
    """An organization that is connected to the gateway, whose customer is on a clock."""
    account = Account(url).sign_up()
    connection = account.post("/connections", {"provider": "sandbox", "name": "Test"})
    made = account.create_plan(type="FIXED")
    charge = {"type": "FIXED", "unit_price": Decimal(30), "display_name": "Platform fee"}
    account.post(f"/plans/{made['id']}/charges", charge)
    clock = account.create_clock()
    customer = account.create_customer(clock=clock)
    keys = (UUID(account.organization["id"]), UUID(connection["id"]))
    save_method(transactions, keys, UUID(customer["id"]))
    subscription = account.subscribe(customer, made)
    return Site(account, gateway, clock, customer, subscription, transactions)


def connect(transactions: Transactions, organization_id: UUID) -> UUID:
    """The organization has an account at a gateway."""
    connection = Connection(
        organization_id=organization_id,
        id=new_id(),
        provider=Provider.SANDBOX,
        name="Test",
        created_at=NOW,
    )
    with transactions.for_organization(organization_id) as session:
        session.add(connection)
    return connection.id


def save_method(transactions: Transactions, keys: tuple[UUID, UUID], customer_id: UUID) -> None:
    """The customer has saved a card at that connection of the organization."""
    organization_id, connection_id = keys
    with transactions.for_organization(organization_id) as session:
        stored_links.save_method(
            session,
            PaymentMethod(
                organization_id=organization_id,
                id=new_id(),
                customer_id=customer_id,
                connection_id=connection_id,
                customer_reference=METHOD.customer_reference,
                method_reference=METHOD.method_reference,
                label=METHOD.label,
                created_at=NOW,
                updated_at=NOW,
            ),
            has_worked=True,
        )


@pytest.fixture
def work(transactions: Transactions) -> Work:
    """Seven dollars of January are final, and nobody has tried anything."""
    shop = open_shop(transactions)
    life = begin_life(shop)
    connection_id = connect(transactions, shop.organization_id)
    keys = (shop.organization_id, connection_id)
    save_method(transactions, keys, life.row().customer_id)
    life.use(datetime(2025, 1, 15, tzinfo=UTC), 7)
    life.send_clock(FINAL_AT)
    while (state := life.state()).agenda and state.agenda[0].due_at <= FINAL_AT:
        life.act(state.agenda[0])
    [invoice] = life.invoices()
    return Work(
        transactions, ScriptedGateway(), invoice.id, shop.organization_id, invoice.customer_id
    )
