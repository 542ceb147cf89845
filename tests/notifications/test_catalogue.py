"""The catalogue in docs/concepts/webhooks.md: each event of the code, and what is sent of it.

The OpenAPI document says the same; `make examples` writes again what it shows of each event.
"""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from api.app import describe
from api.document.webhooks import TOLD, read_told
from api.schemas.webhook_events import TELLINGS
from billing.notifications.events import WebhookEvent
from billing.payments.gateways import GatewayPayment, GatewayStatus, Provider
from models.payments.connections import Connection
from services.documents.locks import lock_invoice
from services.payments.told import record_told
from services.subscriptions import periods
from tests.api.answers import closed
from tests.api.examples.recorder import settle, shape_of
from tests.api.sold import sell
from tests.notifications.topped_up import top_up
from tests.receivers import Receiver, receiving
from tests.telling import Telling

CATALOGUE = Path(__file__).parents[2] / "docs" / "concepts" / "webhooks.md"
ENTRY = re.compile(
    r"^\*\*(?P<event>[a-z._]+)\*\*: (?P<means>[^\n]+)\n.+?```json\n(?P<body>.+?)```",
    re.DOTALL | re.MULTILINE,
)


def examples() -> dict[str, dict[str, Any]]:
    """The body of each event, as the catalogue shows it."""
    return {
        found["event"]: json.loads(found["body"]) for found in ENTRY.finditer(CATALOGUE.read_text())
    }


def shape(value: Any) -> Any:
    """Which names there are, and of what kind their values: a null is one of every kind."""
    match value:
        case dict():
            return {name: shape(inner) for name, inner in value.items()}
        case bool():
            return "flag"
        case int() | float():
            return "number"
        case str() if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value):
            return "instant"
        case str() if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
            return "id"
        case str():
            return "text"
    return None


def live(telling: Telling) -> None:
    """Everything of the catalogue happens to a customer."""
    sold = sell(telling.owner, usage_limit=10)
    telling.owner.patch(
        f"/api/v1/customers/{sold.customer['id']}", json={"billing_address_country": "US"}
    )
    subscription = sold.subscribe("2026-03-02T00:00:00Z")
    sold.used(9)
    manual = {
        "customer_id": sold.customer["id"],
        "subscription_id": subscription["id"],
        "currency": "USD",
        "due_date": "2026-04-01T00:00:00Z",
        "line_items": [{"description": "Set-up", "quantity": 1, "unit_amount": 25}],
    }
    paid, void = (telling.post("/invoices", manual)["id"] for _ in range(2))
    for invoice_id in (paid, void):
        telling.post(f"/invoices/{invoice_id}/finalize")
    telling.post(f"/invoices/{paid}/pay")
    telling.owner.patch(f"/api/v1/invoices/{void}/status", json={"status": "VOID"})
    telling.post(f"/subscriptions/{subscription['id']}/cancel", {"cancel_at_period_end": False})
    end_a_trial(telling, sold.plan["id"])
    fail_a_payment(telling, subscription["id"], manual)
    telling.deliver()  # before another invoice is paid, of a purchase: the first is what is shown
    top_up(telling, sold.customer["id"])


def fail_a_payment(telling: Telling, subscription_id: str, manual: dict[str, Any]) -> None:
    """A gateway tells that a card was declined."""
    invoice = telling.post("/invoices", {**manual, "subscription_id": subscription_id})
    invoice = telling.post(f"/invoices/{invoice['id']}/finalize")
    owner = telling.get(f"/customers/{invoice['customer_id']}")
    organization_id = UUID(owner["organization_id"])
    with telling.transactions.for_organization(organization_id) as session:
        connection = Connection(
            organization_id=organization_id,
            provider=Provider.SANDBOX,
            name="Sandbox",
            created_at=telling.clock(),
        )
        session.add(connection)
        session.flush()
        locked, _ = lock_invoice(session, organization_id, UUID(invoice["id"]))
        declined = GatewayPayment(
            references=("pay_1",),
            status=GatewayStatus.FAILED,
            amount=Decimal(25),
            currency="USD",
            at=telling.clock(),
            error_code="insufficient_funds",
            error="The card has insufficient funds.",
        )
        record_told(session, locked, connection.id, declined, now=telling.clock())


def end_a_trial(telling: Telling, plan_id: str) -> None:
    """A trial is over, as its workflow would say."""
    customer = telling.post(
        "/customers", {"name": "Trier", "email": "t@trier.test", "external_id": "trier"}
    )
    over_at = datetime(2026, 3, 16, tzinfo=UTC)
    terms = {"start_date": "2026-03-02T00:00:00Z", "trial_end_date": over_at.isoformat()}
    subscription = telling.post(
        "/subscriptions", {"customer_id": customer["id"], "plan_id": plan_id, **terms}
    )
    organization_id = UUID(customer["organization_id"])
    with telling.transactions.for_organization(organization_id) as session:
        periods.end_trial(
            session, organization_id, UUID(subscription["id"]), due_at=over_at, now=telling.clock()
        )


@pytest.fixture
def told(telling: Telling) -> dict[str, dict[str, Any]]:
    """The first body of each event that a receiver got."""
    with receiving() as receiver:
        telling.listen(receiver.url)
        live(telling)
        telling.deliver()
        missed = [one for one in telling.deliveries() if one["status"] != "succeeded"]
        assert missed == []
        return first_of_each(receiver)


def first_of_each(receiver: Receiver) -> dict[str, dict[str, Any]]:
    bodies: dict[str, dict[str, Any]] = {}
    for body in map(json.loads, receiver.bodies):
        bodies.setdefault(body["event"], body)
    return bodies


def test_each_event_of_the_code_is_in_the_catalogue() -> None:
    assert list(examples()) == [*WebhookEvent]
    for event, body in examples().items():
        assert body["event"] == event


def test_the_document_means_the_same_by_each_event() -> None:
    assert list(TELLINGS) == [*WebhookEvent]
    for found in ENTRY.finditer(CATALOGUE.read_text()):
        told = TELLINGS[WebhookEvent(found["event"])].means
        assert found["means"].startswith(told[0].lower() + told[1:]), found["event"]


def compare_with_the_document(told: dict[str, dict[str, Any]]) -> None:
    """The document shows what is sent; once more recorded, if that was asked for."""
    if os.environ.get("FLUXRATE_RECORD_EXAMPLES"):
        settled = settle({event.value: told[event] for event in WebhookEvent})
        TOLD.write_text(json.dumps(settled, indent=2) + "\n")
        read_told.cache_clear()

    document = describe()

    assert [*document["webhooks"]] == [*WebhookEvent]
    components = closed(document["components"]["schemas"])
    for event, described in document["webhooks"].items():
        content = described["post"]["requestBody"]["content"]["application/json"]
        validator = Draft202012Validator(
            content["schema"] | {"components": {"schemas": components}}
        )
        assert [one.message for one in validator.iter_errors(told[event])] == [], event
        assert set(shape_of(content["example"])) == set(shape_of(told[event])), event


def test_what_is_sent_is_what_catalogue_and_document_show(told: dict[str, dict[str, Any]]) -> None:
    shown = examples()
    assert set(told) == set(WebhookEvent)
    for event, body in told.items():
        assert shape(body) == shape(shown[event]), event
    for event in (WebhookEvent.INVOICE_PAID, WebhookEvent.INVOICE_VOIDED):
        assert told[event]["data"]["status"] == shown[event]["data"]["status"]
    assert told["subscription.canceled"]["data"]["status"] == "CANCELED"
    assert told["entitlement.threshold"]["data"]["threshold"] == 80
    activated = told["subscription.activated"]
    assert activated["data"]["status"] == "ACTIVE"
    assert activated["timestamp"] == activated["data"]["current_period_start"]
    compare_with_the_document(told)
