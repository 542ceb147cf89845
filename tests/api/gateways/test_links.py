"""Payment links: made as an invoice becomes final, of just what is due, one at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from integrations.gateways.sandbox.faults import Faults
from tests.api.gateways.house import V1, House


def links_of(house: House, invoice_id: str) -> list[tuple[Any, ...]]:
    """The invoice's links: their states and amounts, the first one first."""
    with house.context.transactions.for_organization(house.organization_id) as session:
        found = session.execute(
            text(
                "SELECT status, amount::float FROM payment_link WHERE invoice_id = :invoice_id"
                " ORDER BY sequence"
            ),
            {"invoice_id": UUID(invoice_id)},
        )
        return [tuple(row) for row in found]


def test_answer_has_the_link_and_so_has_every_document(house: House) -> None:
    invoice = house.finalize()

    url = invoice["payment_link"]

    assert url.startswith("http://pay.example/sandbox/pay/")
    assert house.invoice(invoice["id"])["payment_link"] == url
    assert f"Pay: {url}" in house.owner.get(f"{V1}/invoices/{invoice['id']}/text").text
    assert links_of(house, invoice["id"]) == [("open", 120)]
    # Nothing is left to do, and a second asking changes nothing.
    house.ask()
    again = house.owner.post(f"{V1}/invoices/{invoice['id']}/finalize").json()
    assert again["payment_link"] == url
    assert links_of(house, invoice["id"]) == [("open", 120)]


def test_repeat_by_its_key_is_answered_as_the_first_was(house: House) -> None:
    key = {"Idempotency-Key": "march"}
    path = f"{V1}/invoices/{house.draft()['id']}/finalize"

    first, repeat = (house.owner.post(path, headers=key) for _ in range(2))

    assert first.json()["payment_link"].startswith("http://pay.example/")
    assert (repeat.headers["Idempotent-Replayed"], repeat.content) == ("true", first.content)


def test_send_email_answers_with_the_link(house: House) -> None:
    draft = house.draft()

    sent = house.owner.post(f"{V1}/invoices/{draft['id']}/send-email").json()

    assert sent["payment_link"] == house.invoice(draft["id"])["payment_link"]
    assert sent["payment_link"].startswith("http://pay.example/")


def test_invoice_from_before_the_connection_gets_its_link_after_the_fact(house: House) -> None:
    house.owner.delete(f"{V1}/connections/{house.connection['id']}")
    invoice = house.finalize()
    assert invoice["payment_link"] is None
    house.owner.post(f"{V1}/connections", json={"provider": "sandbox", "name": "Again"})

    answer = house.owner.post(f"{V1}/invoices/{invoice['id']}/finalize")

    assert answer.status_code == 200
    assert answer.json()["payment_link"].startswith("http://pay.example/")


def test_gateway_that_gives_no_answer_delays_no_invoice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routers.gateways.linked.LINK_SECONDS", 0.3)
    house.loop.call(house.gateway.set_faults, Faults(lost_after_share=1))  # type: ignore[arg-type]  # a share is a number

    invoice = house.finalize()

    assert (invoice["status"], invoice["payment_link"]) == ("OPEN", None)
    house.ask()
    assert links_of(house, invoice["id"]) == [("making", 120)]
    house.loop.call(house.gateway.set_faults, None)
    house.clock.advance(minutes=10)
    house.ask()
    assert links_of(house, invoice["id"]) == [("open", 120)]
    assert house.invoice(invoice["id"])["payment_link"] is not None


def test_link_follows_what_is_due(house: House) -> None:
    invoice = house.finalize()
    first = invoice["payment_link"]

    paid = {"amount": 50, "method": "bank_transfer", "reference": "wire 1"}
    house.owner.post(f"{V1}/invoices/{invoice['id']}/payments", json=paid)

    assert house.invoice(invoice["id"])["payment_link"] is None
    house.ask()
    second = house.invoice(invoice["id"])["payment_link"]
    assert second not in {None, first}
    assert links_of(house, invoice["id"]) == [("closed", 120), ("open", 70)]
    # The first page takes no money any more.
    assert house.press(first)["code"] == "link_expired"
    house.press(second)
    house.settle()
    assert house.invoice(invoice["id"])["status"] == "PAID"
    assert links_of(house, invoice["id"]) == [("closed", 120), ("closed", 70)]


@pytest.mark.parametrize(("status", "state"), [("VOID", "closed"), ("UNCOLLECTIBLE", "open")])
def test_nobody_pays_what_is_void_and_anybody_what_is_written_off(
    house: House, status: str, state: str
) -> None:
    invoice = house.finalize()

    house.owner.patch(f"{V1}/invoices/{invoice['id']}/status", json={"status": status})
    house.ask()

    assert links_of(house, invoice["id"]) == [(state, 120)]
    is_paid = "status" in house.press(invoice["payment_link"])
    assert is_paid == (state == "open")


def test_payment_of_which_no_webhook_came_is_found_on_the_page(house: House) -> None:
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    house.letters()

    house.later(hours=23)
    house.ask()
    assert house.invoice(invoice["id"])["status"] == "OPEN"
    house.later(hours=2)
    house.ask()

    assert house.invoice(invoice["id"])["status"] == "PAID"


def test_page_that_closed_by_itself_has_a_successor(house: House) -> None:
    invoice = house.finalize()
    with house.context.transactions.for_organization(house.organization_id) as session:
        expires_at = house.clock() + timedelta(days=1)
        session.execute(
            text("UPDATE payment_link SET expires_at = :expires_at"), {"expires_at": expires_at}
        )

    house.later(days=1)
    house.ask()

    assert links_of(house, invoice["id"]) == [("closed", 120), ("open", 120)]
    assert house.invoice(invoice["id"])["payment_link"] not in {None, invoice["payment_link"]}


def test_deleted_connection_makes_no_new_links(house: House) -> None:
    invoice = house.finalize()
    house.owner.delete(f"{V1}/connections/{house.connection['id']}")

    assert house.finalize()["payment_link"] is None
    assert house.invoice(invoice["id"])["payment_link"] == invoice["payment_link"]
