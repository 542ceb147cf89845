"""A gateway that takes no key of ours: nobody is dunned by it, and other secrets start it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from api.context import AppContext
from billing.errors import Rejected
from billing.payments.gateways import KEY_REFUSED, GatewayPayment, GatewayStatus, Provider
from billing.payments.states import ARRIVES_LATEST
from integrations.gateways.client import ProviderClient
from integrations.gateways.registry import GatewayRegistry
from integrations.gateways.sandbox.gateway import SandboxGateway
from integrations.gateways.sandbox.server import SandboxServer
from repositories.payments import connections as stored_connections
from repositories.transactions import Transactions
from runtime.security import Security
from services.payments import tasks
from tests.api.gateways.house import V1, House
from tests.api.gateways.test_crashes import refuse
from tests.api.people import PATIENT_SECONDS, Clock
from tests.integrations.gateways.double import ProviderDouble, Reply, a_provider
from tests.integrations.gateways.shapes import shape

SESSIONS = "/v1/checkout/sessions"
STRIPE = {"secret_key": "sk_test_51HarborHarbor", "webhook_secret": "whsec_harborharbor"}
OPENED = shape("stripe/checkout_session", url="https://checkout.stripe.com/c/pay/1")
NO_KEY = Reply({"error": {"message": "Invalid API Key provided."}}, 401)


@pytest.fixture
def stripe() -> Iterator[ProviderDouble]:
    """What stands for Stripe."""
    with a_provider() as double:
        yield double


@pytest.fixture
def context(
    transactions: Transactions,
    security: Security,
    clock: Clock,
    server: SandboxServer,
    stripe: ProviderDouble,
) -> AppContext:
    """The application's surroundings, with a Stripe that answers by script."""
    return AppContext(
        transactions=transactions,
        security=security,
        now=clock,
        transaction_seconds=PATIENT_SECONDS,
        gateways=GatewayRegistry(
            ProviderClient(), sandbox=server.connect(), base_urls={Provider.STRIPE: stripe.url}
        ),
    )


def states(house: House, kind: str) -> list[tuple[str, int]]:
    """How far tasks of a kind are, and how often each was tried."""
    with house.context.transactions.for_organization(house.organization_id) as session:
        asked = text("SELECT status, attempts FROM gateway_task WHERE kind = :kind ORDER BY id")
        return [tuple(row) for row in session.execute(asked, {"kind": kind})]


def last_try(house: House, kind: str) -> None:
    """The next no is the last."""
    with house.context.transactions.for_organization(house.organization_id) as session:
        changed = text("UPDATE gateway_task SET attempts = 59 WHERE kind = :kind")
        session.execute(changed, {"kind": kind})


def connect_stripe(house: House) -> dict[str, Any]:
    body = {"provider": "stripe", "name": "Stripe", **STRIPE}
    answer = house.owner.post(f"{V1}/connections", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_link_waits_for_a_key_that_was_rolled(house: House, stripe: ProviderDouble) -> None:
    connect_stripe(house)
    stripe.on("POST", SESSIONS, NO_KEY)
    invoice = house.finalize()
    house.later(seconds=10)
    house.ask()
    assert states(house, "open_link")[0][0] == "pending"

    stripe.on("POST", SESSIONS, Reply(OPENED))
    house.later(hours=1)
    house.ask()

    assert house.invoice(invoice["id"])["payment_link"] is not None


def test_link_that_was_given_up_is_made_once_the_secrets_are_replaced(
    house: House, stripe: ProviderDouble
) -> None:
    connection = connect_stripe(house)
    stripe.on("POST", SESSIONS, NO_KEY)
    invoice = house.finalize()
    last_try(house, "open_link")
    house.later(hours=1)
    house.ask()
    assert states(house, "open_link") == [("failed", 60)]
    stripe.on("POST", SESSIONS, Reply(OPENED))

    path = f"{V1}/connections/{connection['id']}"
    house.owner.patch(path, json={"name": "Stripe of Harbor"})
    house.ask()
    assert house.invoice(invoice["id"])["payment_link"] is None
    house.owner.patch(path, json={"secret_key": "sk_test_51LighthouseLight"})
    house.ask()

    assert house.invoice(invoice["id"])["payment_link"] is not None
    assert states(house, "open_link") == [("done", 1), ("done", 1)]
    assert stripe.asked[-1].headers["authorization"] == "Bearer sk_test_51LighthouseLight"


def replace_secrets(house: House) -> None:
    """As a rotation does; the sandbox's own secret cannot be given."""
    key = (house.organization_id, house.account.connection_id)
    with house.context.transactions.for_organization(key[0]) as session:
        connection = stored_connections.find_connection(session, *key)
        assert connection is not None
        tasks.restart(session, connection, now=house.clock())


def test_page_is_watched_again_once_the_secrets_are_replaced(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = house.finalize()
    last_try(house, "renew_link")
    with monkeypatch.context() as refusing:
        refusing.setattr(SandboxGateway, "list_payments", refuse)
        house.later(days=2)
        house.ask()
    house.press(invoice["payment_link"])
    house.letters()  # What tells of it is lost.
    house.ask()
    assert states(house, "renew_link") == [("failed", 60)]

    for _ in range(2):
        replace_secrets(house)
    house.ask()

    assert house.invoice(invoice["id"])["status"] == "PAID"
    assert house.events(status="needs_attention") == []
    [notice] = [one for one in house.events() if one["type"] == "payment_link.given_up"]
    assert notice["reason"] == "It is asked for again: the secrets were replaced."


def test_watch_that_is_refused_once_more_is_another_row(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.finalize()
    with monkeypatch.context() as refusing:
        refusing.setattr(SandboxGateway, "list_payments", refuse)
        for _ in range(2):
            last_try(house, "renew_link")
            house.later(days=2)
            house.ask()
            [waiting] = house.events(status="needs_attention")
            replace_secrets(house)
            assert house.events(status="needs_attention") == []

    assert waiting["type"] == "payment_link.given_up"
    assert len([one for one in house.events() if one["type"] == "payment_link.given_up"]) == 2


def test_event_that_nobody_could_look_up_is_looked_up_with_the_new_secrets(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    house.deliver(*house.letters())
    last_try(house, "event")
    with monkeypatch.context() as refusing:
        refusing.setattr(SandboxGateway, "find_payment", refuse)
        house.ask()
    [given_up] = house.events(status="needs_attention")

    replace_secrets(house)
    assert [one["id"] for one in house.events(status="received")] == [given_up["id"]]
    house.ask()

    assert house.invoice(invoice["id"])["status"] == "PAID"
    [event] = house.events(status="processed")
    assert (event["id"], event["reason"]) == (given_up["id"], None)


def test_refund_that_was_given_up_is_for_whoever_asks_for_it_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    house.settle()
    [paid] = house.payments(invoice["id"])
    with monkeypatch.context() as refusing:
        refusing.setattr(SandboxGateway, "refund", refuse)
        house.owner.post(f"{V1}/payments/{paid['id']}/refund", json={"amount": 50})
        house.ask()

    replace_secrets(house)
    house.ask()

    assert states(house, "refund") == [("failed", 1)]
    assert house.payments(invoice["id"])[0]["refunded_amount"] == 0


def test_refund_waits_for_a_key_that_was_rolled(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    house.settle()
    [paid] = house.payments(invoice["id"])

    async def refuse_key(*_asked: object, **_named: object) -> object:
        raise Rejected("There is no such key.", code=KEY_REFUSED)

    with monkeypatch.context() as refusing:
        for verb in ("refund", "find_refund"):
            refusing.setattr(SandboxGateway, verb, refuse_key)
        house.owner.post(f"{V1}/payments/{paid['id']}/refund", json={"amount": 50})
        for _ in range(3):
            house.ask()
            house.later(hours=1)
    assert [one["status"] for one in refunds_of(house, paid["id"])] == ["pending"]
    house.ask()

    assert [one["status"] for one in refunds_of(house, paid["id"])] == ["succeeded"]
    assert house.events(status="needs_attention") == []


def refunds_of(house: House, payment_id: str) -> list[dict[str, Any]]:
    """The refunds of a payment, the first one first."""
    found: list[dict[str, Any]] = house.owner.get(f"{V1}/payments/{payment_id}/refunds").json()[
        "data"
    ]
    return found


def test_money_that_never_arrives_from_a_closed_page_is_a_row_after_a_month(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = house.finalize()
    house.press(invoice["payment_link"], "pending")
    house.letters()
    house.owner.post(f"{V1}/invoices/{invoice['id']}/pay")
    found = SandboxGateway.list_payments

    async def list_pending(gateway: SandboxGateway, reference: str) -> list[GatewayPayment]:
        tried = await found(gateway, reference)
        return [replace(one, status=GatewayStatus.PENDING) for one in tried]

    with monkeypatch.context() as undecided:
        undecided.setattr(SandboxGateway, "list_payments", list_pending)
        house.ask()
        house.clock.advance(days=ARRIVES_LATEST.days - 1)
        house.ask()
        assert states(house, "close_link")[0][0] == "pending"
        house.later(seconds=timedelta(days=1, hours=1).total_seconds())
        house.ask()

    assert states(house, "close_link")[0][0] == "failed"
    [waiting] = house.events(status="needs_attention")
    assert (waiting["type"], waiting["invoice_id"]) == ("payment_link.given_up", invoice["id"])
    assert "30 days" in waiting["reason"]
