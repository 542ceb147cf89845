"""A customer whose credit a rule tops up: the relay, the gateway and the card are the test's."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from billing.credits.top_ups import PerWindow, Price
from billing.payments.gateways import GatewayPayment, GatewayStatus
from billing.payments.kinds import PaymentKind
from models.base import new_id
from models.credits.top_ups import CreditTopUp, CreditTopUpRule
from models.payments.connections import Connection
from models.payments.links import PaymentMethod
from repositories.invoicing import invoices as stored_invoices
from services.credits import top_ups as rules
from services.credits.top_ups import NewRule
from services.documents.locks import lock_invoice
from services.payments import recording
from services.payments.told import accept_payment
from services.purchases import top_ups
from tests.services.credits.purse import BEGIN, UNIT
from tests.services.purchases.till import Till

RULE = NewRule(
    unit=UNIT,
    threshold=Decimal(100),
    step=Decimal(40),
    max_count=PerWindow(day=Decimal(5), month=Decimal(20)),
    max_amount=PerWindow(day=Decimal(1000), month=Decimal(4000)),
    price=Price(amount=Decimal("0.01"), currency="USD"),
)
HOUR = timedelta(hours=1)


def save_method(till: Till) -> None:
    """The customer has a card on file."""
    purse = till.purse
    with purse.shop.transactions.for_organization(purse.organization_id) as session:
        connection = Connection(
            organization_id=purse.organization_id,
            id=new_id(),
            provider="sandbox",
            name="Test",
            sealed_secrets="x",
            created_at=BEGIN,
        )
        session.add(connection)
        session.flush()
        session.add(
            PaymentMethod(
                organization_id=purse.organization_id,
                id=new_id(),
                customer_id=purse.customer_id,
                connection_id=connection.id,
                customer_reference="c",
                method_reference="m",
                label="Card",
                created_at=BEGIN,
                updated_at=BEGIN,
            )
        )


def add_rule(till: Till, *, now: datetime = BEGIN, **changes: Any) -> CreditTopUpRule:
    """The customer's credit is topped up."""
    command = replace(RULE, **changes)
    return till.purse.shop.do(rules.create_rule, till.purse.customer_id, command, now=now)


def look(till: Till, *, now: datetime = BEGIN) -> None:
    """The relay looks at every rule that it was asked to look at."""
    while top_ups.look_at_next(till.purse.shop.transactions, now=now):
        pass


def tries(till: Till) -> list[tuple[str, Decimal]]:
    """What was tried, the first one first."""
    purse = till.purse
    with purse.shop.transactions.for_organization(purse.organization_id) as session:
        found = session.exec(select(CreditTopUp).order_by(col(CreditTopUp.number))).all()
        return [(one.status, one.amount) for one in found]


def last(till: Till) -> CreditTopUp:
    """The newest try."""
    purse = till.purse
    with purse.shop.transactions.for_organization(purse.organization_id) as session:
        return session.exec(select(CreditTopUp).order_by(col(CreditTopUp.number).desc())).first()  # type: ignore[return-value]  # never None here


def end_charge(till: Till, *, succeeds: bool, now: datetime = BEGIN) -> None:
    """The gateway took the money of the newest try, or declined it."""
    purse, invoice_id = till.purse, last(till).invoice_id
    with purse.shop.transactions.for_organization(purse.organization_id) as session:
        invoice, _ = lock_invoice(session, purse.organization_id, invoice_id)
        connection = session.exec(select(Connection)).one()
        payment = recording.begin(
            session,
            invoice,
            kind=PaymentKind.SAVED_METHOD,
            amount=invoice.amount_due,
            connection_id=connection.id,
            at=now,
            now=now,
        )
        finish = recording.succeed if succeeds else recording.fail
        finish(session, invoice, payment, at=now, now=now)


def tell_again(till: Till) -> None:
    """The gateway took the money once more, by another key, and tells of it."""
    purse, invoice_id = till.purse, last(till).invoice_id
    with purse.shop.transactions.for_organization(purse.organization_id) as session:
        invoice, _ = lock_invoice(session, purse.organization_id, invoice_id)
        connection = session.exec(select(Connection)).one()
        told = GatewayPayment(
            references=("twice",),
            status=GatewayStatus.SUCCEEDED,
            amount=invoice.total,
            currency="USD",
            at=BEGIN,
        )
        accept_payment(session, invoice, connection.id, told, now=BEGIN)


def status_of(till: Till, invoice_id: UUID) -> str:
    """How an invoice stands."""
    found = till.purse.shop.read(
        lambda session, organization_id: stored_invoices.find_invoice(
            session, organization_id, invoice_id
        )
    )
    assert found is not None
    return found.status
