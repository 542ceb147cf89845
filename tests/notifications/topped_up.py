"""Credit that is sold, ended, and topped up, so that whoever listens is told of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from billing.payments.kinds import PaymentKind
from models.base import new_id
from models.credits.top_ups import CreditTopUp
from models.payments.connections import Connection
from models.payments.links import PaymentMethod
from repositories.payments import links as stored_links
from services.documents.locks import lock_invoice
from services.payments import recording
from services.purchases.top_ups import look_at_next
from services.rating.alerts.looking import look_at_next as look_at_alerts
from tests.telling import Telling

RULE = {
    "unit": "TOKENS",
    "threshold": 100,
    "step": 100,
    "max_count": {"day": 5, "month": 5},
    "max_amount": {"day": 500, "month": 500},
    "price": {"amount": "0.01", "currency": "USD"},
}


def top_up(telling: Telling, customer_id: str) -> None:
    """The customer buys credit that ends, and a rule buys more: once paid, once declined."""
    telling.post("/units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    path = f"/customers/{customer_id}"
    pack = {"unit": "TOKENS", "amount": 500, "kind": "paid", "spendable": "at_once"}
    sold = telling.post(f"{path}/grants", pack | {"cost": {"amount": 5, "currency": "USD"}})
    telling.post(f"/grants/{sold['id']}/end", {"refund": False})
    organization_id = UUID(telling.get(path)["organization_id"])
    save_card(telling, organization_id, UUID(customer_id))
    telling.post(f"{path}/top-up-rules", RULE)
    end_try(telling, organization_id, succeeds=True)
    until = (telling.clock() + timedelta(hours=1)).isoformat()
    held = {"customer_id": customer_id, "unit": "TOKENS", "amount": 60, "expires_at": until}
    telling.post("/credits/holds", held)
    end_try(telling, organization_id, succeeds=False)
    subject = {"customer_id": customer_id, "unit": "TOKENS"}
    telling.post("/alerts", {"on": "available", "subject": subject, "thresholds": [100]})
    assert look_at_alerts(telling.transactions, now=telling.clock())


def save_card(telling: Telling, organization_id: UUID, customer_id: UUID) -> None:
    """The customer can be charged."""
    with telling.transactions.for_organization(organization_id) as session:
        connection = session.exec(select(Connection)).first()
        assert connection is not None
        method = PaymentMethod(
            organization_id=organization_id,
            id=new_id(),
            customer_id=customer_id,
            connection_id=connection.id,
            customer_reference="customer",
            method_reference="method",
            label="Card",
            created_at=telling.clock(),
            updated_at=telling.clock(),
        )
        stored_links.save_method(session, method, has_worked=True)


def end_try(telling: Telling, organization_id: UUID, *, succeeds: bool) -> None:
    """The rule is looked at, and the gateway takes the money or declines."""
    while look_at_next(telling.transactions, now=telling.clock()):
        pass
    with telling.transactions.for_organization(organization_id) as session:
        newest = select(CreditTopUp).order_by(col(CreditTopUp.number).desc())
        made = session.exec(newest).first()
        connection = session.exec(select(Connection)).first()
        assert made is not None
        assert connection is not None
        invoice, _ = lock_invoice(session, organization_id, made.invoice_id)
        payment = recording.begin(
            session,
            invoice,
            kind=PaymentKind.SAVED_METHOD,
            amount=invoice.amount_due,
            connection_id=connection.id,
            at=telling.clock(),
            now=telling.clock(),
        )
        finish = recording.succeed if succeeds else recording.fail
        finish(session, invoice, payment, at=telling.clock(), now=telling.clock())
