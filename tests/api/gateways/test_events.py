"""What people see of events, and what nobody sees."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.payments.gateways import PaymentRequest
from services.documents.locks import lock_invoice
from services.payments.methods import find_usable_method
from services.payments.told import accept_payment
from tests.api.gateways.house import V1, House
from tests.api.people import Person


def pay(house: House, amount: float = 120) -> str:
    invoice = house.finalize(amount)
    house.press(invoice["payment_link"])
    house.settle()
    return str(invoice["id"])


def test_events_are_listed_newest_first_and_go_on_by_a_cursor(house: House) -> None:
    for amount in (10, 20, 30):
        pay(house, amount)
        house.clock.advance(seconds=1)
    path = f"{V1}/gateway-events"
    every = house.events(page_size="100")

    seen, cursor = [], None
    while True:
        query = {"page_size": 2} | ({} if cursor is None else {"cursor": cursor})
        part = house.owner.get(path, params=query).json()
        seen += part["data"]
        cursor = part["meta"]["next_cursor"]
        if cursor is None:
            break

    assert seen == every
    received = [one["received_at"] for one in every]
    assert received == sorted(received, reverse=True)
    # Each payment, and that its page is over.
    assert len(house.events(status="processed")) == 3
    assert len(house.events(status="PROCESSED")) == 3
    assert {one["reason"] for one in house.events(status="ignored")} == {
        "It is about no payment, refund or dispute."
    }
    assert house.events(connection_id=house.connection["id"], page_size="100") == every
    unknown = house.owner.get(path, params={"connection_id": house.customer_id})
    assert unknown.status_code == 404
    assert house.owner.get(path, params={"status": "lost"}).status_code == 422


def test_events_of_others_are_not_there(house: House) -> None:
    pay(house)

    stranger = Person(house.owner.app).sign_up("Others")  # type: ignore[arg-type]  # the application under test

    assert stranger.get(f"{V1}/gateway-events").json()["data"] == []
    answer = stranger.get(f"{V1}/connections/{house.connection['id']}")
    assert answer.status_code == 404


def test_secrets_are_in_no_log_and_no_row_that_is_shown(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    pay(house)
    [secret] = house.account.secrets.values()

    written = "".join(capsys.readouterr())
    shown = house.owner.get(f"{V1}/audit?page_size=100").text + str(house.events(page_size="100"))

    assert "request_answered" in written
    assert secret not in written
    assert secret not in shown
    with house.context.transactions.for_organization(house.organization_id) as session:
        rows = session.execute(text("SELECT sealed_secrets FROM connection")).scalars().all()
    assert [one for one in rows if secret in one] == []


def test_method_that_is_declined_for_good_is_not_charged_again(house: House) -> None:
    pay(house)
    # The sandbox remembers the outcome last given on a customer's page.
    other = house.finalize(50)
    house.press(other["payment_link"], "declined_for_good")
    house.settle()
    key = (house.organization_id, UUID(house.customer_id))
    with house.context.transactions.for_organization(key[0]) as session:
        method = find_usable_method(session, *key)
    assert method is not None

    request = PaymentRequest(
        organization_id=key[0],
        invoice_id=UUID(other["id"]),
        customer_id=key[1],
        invoice_number=other["invoice_number"],
        amount=Decimal(50),
        currency="USD",
        idempotency_key=f"{other['id']}/9",
        customer_name="Harbor",
    )
    told = house.charge(request, method)

    assert told.is_declined_for_good
    with house.context.transactions.for_organization(key[0]) as session:
        invoice, _ = lock_invoice(session, key[0], UUID(other["id"]))
        accept_payment(session, invoice, method.connection_id, told, now=house.clock())
        assert find_usable_method(session, *key) is None
