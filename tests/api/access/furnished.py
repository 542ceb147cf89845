"""An organization with one of everything, for tests of who may see it."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from fastapi import FastAPI
from httpx2 import Client
from starlette.testclient import TestClient

from api.context import AppContext, state_of
from models.accounts.users import User
from models.base import new_id
from models.payments.links import PaymentMethod
from repositories.payments import links as stored_links
from repositories.transactions import Transactions
from services.notifications.deliveries import spread_events
from services.payments import refunds
from tests.api.people import PASSWORD, Person

V1 = "/api/v1"

TOP_UP = {
    "unit": "USD",
    "threshold": 0,
    "step": 5,
    "max_count": {"day": 1, "month": 3},
    "max_amount": {"day": 5, "month": 15},
}
"""A rule that tops credit up."""
MONTHLY = {"unit": "USD", "amount": 10, "interval": {"interval": "month"}}
"""A rule that grants credit again and again."""
ADD_ON = {"charge": {"unit_price": 10}}
"""A charge that is attached to a subscription."""
Ids = dict[str, str]


def post(person: Client, path: str, **body: Any) -> dict[str, Any]:
    answer = person.post(f"{V1}{path}", json=body)
    assert answer.status_code in {200, 201}, (path, answer.text)
    created: dict[str, Any] = answer.json()
    return created


def furnish(person: Person) -> Ids:
    """One thing of every kind, under the same names in both organizations."""
    ids = add_things(person)
    return ids | {
        "method_id": save_method(person, ids["customer_id"], ids["connection_id"]),
        "delivery_id": tell(person),
        "member_id": add_member(person),
        "session_id": log_in_elsewhere(person),
    }


def add_things(
    person: Client, suffix: str = "", *, held_until: str = "2026-03-02T09:00:00Z"
) -> Ids:
    """What requests alone can make; ``suffix`` tells its names from those of a set before.

    ``held_until`` is within a day of what the product has for now.
    """
    ids = add_catalogue(person, suffix)
    hooks = {"url": "https://hooks.example.com/in", "events": ["invoice.created"]}
    endpoint = post(person, "/webhook-endpoints", **hooks)
    ids |= add_customer(person, ids, suffix)
    tax_rate = post(person, "/tax-rates", name="VAT", country="GB", percentage=20)
    connection = post(person, "/connections", provider="sandbox", name="Sandbox")
    test_clock = post(person, "/test-clocks", name="Test", frozen_time="2026-01-01T00:00:00Z")
    key = post(person, "/api-keys", name="Worker", scopes=["usage.write"])
    return ids | {
        "tax_rate_id": tax_rate["id"],
        "test_clock_id": test_clock["id"],
        "key_id": key["id"],
        "endpoint_id": endpoint["id"],
        "connection_id": connection["id"],
        **add_credit(person, ids["customer_id"], held_until=held_until),
        "coupon_id": add_coupon(person, ids["customer_id"], suffix),
        "period_index": "0",
        "version": "1",
        "email_id": person.get(f"{V1}/emails").json()["data"][0]["id"],
        "provider": "sandbox",
        "invitation_id": invite(person)["id"],
        "organization_id": person.get(f"{V1}/organization").json()["id"],
        "kind": "invoice",
        "language": "de",
    }


def add_credit(person: Client, customer_id: str, *, held_until: str) -> Ids:
    """The customer has credit, some of it held, and a rule that tops it up."""
    path = f"/customers/{customer_id}"
    grant = post(person, f"{path}/grants", unit="USD", amount=10)
    held = {"customer_id": customer_id, "unit": "USD", "amount": 2, "expires_at": held_until}
    hold = post(person, "/credits/holds", **held)
    rule = post(person, f"{path}/top-up-rules", **TOP_UP)
    recurring = post(person, f"{path}/grant-rules", **MONTHLY)
    subject = {"customer_id": customer_id}
    alert = post(person, "/alerts", on="spend", subject=subject, thresholds=[100])
    return {
        "alert_id": alert["id"],
        "grant_id": grant["id"],
        "hold_id": hold["id"],
        "rule_id": rule["id"],
        "grant_rule_id": recurring["id"],
    }


def add_coupon(person: Client, customer_id: str, suffix: str) -> str:
    """A coupon that the customer has."""
    code = f"SPRING{suffix}"
    coupon = post(person, "/coupons", code=code, percent=10)
    post(person, f"/customers/{customer_id}/coupons", code=code)
    return str(coupon["id"])


def organization_of(person: Person) -> tuple[AppContext, UUID]:
    assert isinstance(person.app, FastAPI)
    organization_id = UUID(person.get(f"{V1}/organization").json()["id"])
    return state_of(person.app).context, organization_id


def add_member(person: Person) -> str:
    """A member as an accepted invitation would have them."""
    context, organization_id = organization_of(person)
    user = User(
        organization_id=organization_id,
        id=new_id(),
        email=f"{uuid4()}@lumenworks.test",
        password_hash="-",
        role="developer",
        created_at=context.now(),
    )
    with context.transactions.for_organization(organization_id) as session:
        session.add(user)
    return str(user.id)


def invite(person: Client) -> dict[str, Any]:
    return post(person, "/invitations", email=f"{uuid4()}@lumenworks.test", role="billing")


def log_in_elsewhere(person: Person) -> str:
    """The session that the person had; from now on they use another."""
    credentials = {"email": person.email, "password": PASSWORD}
    assert person.post(f"{V1}/auth/login", json=credentials).status_code == 200
    sessions = person.get(f"{V1}/auth/sessions").json()["data"]
    return next(str(one["id"]) for one in sessions if not one["is_current"])


def save_method(person: Person, customer_id: str, connection_id: str) -> str:
    """A method as a gateway's webhook would have it known."""
    context, organization_id = organization_of(person)
    names = {"customer_id": customer_id, "connection_id": connection_id}
    return store_method(context.transactions, organization_id, names, context.now())


def store_method(transactions: Transactions, organization_id: UUID, ids: Ids, now: datetime) -> str:
    """The same in the database of a running product."""
    method = PaymentMethod(
        organization_id=organization_id,
        id=new_id(),
        customer_id=UUID(ids["customer_id"]),
        connection_id=UUID(ids["connection_id"]),
        customer_reference="cus_1",
        method_reference="pm_1",
        label="Visa ending in 4242",
        created_at=now,
        updated_at=now,
    )
    with transactions.for_organization(organization_id) as session:
        stored_links.save_method(session, method, has_worked=True)
    return str(method.id)


def owe(person: TestClient, payment_id: str, amount: int) -> None:
    """So much went back of a payment, as a gateway would tell of it, whatever is left of it."""
    assert isinstance(person.app, FastAPI)
    context = state_of(person.app).context
    organization_id = UUID(person.get(f"{V1}/organization").json()["id"])
    with context.transactions.for_organization(organization_id) as session:
        refunds.refund(
            session,
            organization_id,
            UUID(payment_id),
            Decimal(amount),
            is_sent=True,
            now=context.now(),
        )


def tell(person: Person) -> str:
    """The first delivery of the organization, of those that its events have led to by now."""
    assert isinstance(person.app, FastAPI)
    context = state_of(person.app).context
    spread_events(context.transactions, now=context.now())
    delivery, *_ = person.get(f"{V1}/webhook-deliveries").json()["data"]
    return str(delivery["id"])


def add_catalogue(person: Client, suffix: str = "") -> Ids:
    """A feature with its meter on a plan with a charge."""
    feature = post(
        person,
        "/features",
        name="API Calls",
        lookup_key=f"api_calls_{uuid4()}",
        type="meter",
        meter_name=f"api_calls{suffix}",
        property_name="calls",
        aggregation_type="SUM",
    )
    meter_id = feature["meter"]["id"]
    plan = post(
        person,
        "/plans",
        name="Studio",
        lookup_id=f"studio{suffix}",
        type="HYBRID",
        billing_interval="month",
        currency="USD",
    )
    plan_path = f"/plans/{plan['id']}"
    charge = post(person, f"{plan_path}/charges", type="USAGE", meter_id=meter_id, unit_price=0.001)
    granted = post(person, f"{plan_path}/features", feature_id=feature["id"], is_enabled=True)
    committed = post(person, f"{plan_path}/commitments", amount=12000, term_periods=12)
    return {
        "feature_id": feature["id"],
        "lookup_key": feature["lookup_key"],
        "meter_id": meter_id,
        "plan_id": plan["id"],
        "charge_id": charge["id"],
        "plan_feature_id": granted["id"],
        "commitment_id": committed["id"],
    }


def write_invoice(person: Client, customer_id: str, **line: object) -> dict[str, Any]:
    """An invoice by hand with this one line."""
    return post(
        person,
        "/invoices",
        customer_id=customer_id,
        currency="USD",
        due_date="2026-04-01T00:00:00Z",
        line_items=[line],
    )


def add_customer(person: Client, catalogue: Ids, suffix: str = "") -> Ids:
    """A customer who subscribes, uses something and gets an invoice by hand."""
    customer_id = post(
        person,
        "/customers",
        name="Harbor",
        email="ap@harbor.test",
        external_id=f"acct_77{suffix}",
        billing_address_country="GB",
    )["id"]
    subscription = post(
        person,
        "/subscriptions",
        customer_id=customer_id,
        plan_id=catalogue["plan_id"],
        start_date="2026-03-01T00:00:00Z",
    )
    add_on = post(person, f"/subscriptions/{subscription['id']}/add-ons", **ADD_ON)
    invoice = write_invoice(person, customer_id, description="Import", quantity=3, unit_amount=120)
    credited = write_invoice(person, customer_id, description="Export", quantity=1, unit_amount=10)
    post(person, f"/invoices/{credited['id']}/finalize")
    note = post(
        person,
        f"/invoices/{credited['id']}/credit-notes",
        reason="goodwill",
        lines=[{"line_id": credited["line_items"][0]["id"], "amount": 1}],
    )
    event = post(
        person, "/usage", customer_id=customer_id, meter_id=catalogue["meter_id"], quantity=2
    )
    payment = post(person, f"/invoices/{credited['id']}/payments", amount=2, reference="FT-1")
    return {
        "customer_id": customer_id,
        "subscription_id": subscription["id"],
        "add_on_id": add_on["id"],
        "invoice_id": invoice["id"],
        "line_id": invoice["line_items"][0]["id"],
        "credit_note_id": note["id"],
        "payment_id": payment["id"],
        "receipt_id": person.get(f"{V1}/invoices/{credited['id']}/receipt").json()["id"],
        "event_id": event["id"],
    }


def fill(path: str, ids: Ids) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: ids[match[1]], path)
