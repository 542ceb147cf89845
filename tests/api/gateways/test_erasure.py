"""An erased customer's saved method is forgotten at the gateway; money on its way is waited for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from billing.errors import Rejected
from billing.payments.gateways import PaymentRequest
from integrations.gateways.sandbox.gateway import SandboxGateway
from repositories.payments import links as stored_links
from runtime.relays.retention import Retention
from services.personal_data import erasing
from services.personal_data.retention import Periods, kinds_of
from tests.api.gateways.house import V1, House


def pay(house: House) -> str:
    """An invoice that was paid on its page, where the method was saved."""
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    house.settle()
    assert house.invoice(invoice["id"])["status"] == "PAID"
    return str(invoice["id"])


def erase(house: House) -> Any:
    return house.owner.post(
        f"{V1}/customers/{house.customer_id}/erase", json={"confirm": "acct_77"}
    )


def payment_request(house: House) -> PaymentRequest:
    return PaymentRequest(
        organization_id=house.organization_id,
        invoice_id=uuid4(),
        customer_id=UUID(house.customer_id),
        invoice_number="INV-1",
        amount=Decimal(50),
        currency="USD",
        idempotency_key=f"attempt {uuid4()}",
        customer_name="Harbor",
    )


def methods(house: House) -> list[Any]:
    with house.context.transactions.for_organization(house.organization_id) as session:
        customer_id = UUID(house.customer_id)
        return list(stored_links.list_methods(session, house.organization_id, customer_id))


def test_the_gateway_forgets_a_saved_method_and_then_it_is_gone(house: House) -> None:
    pay(house)
    [method] = methods(house)

    asked = erase(house)

    assert (asked.status_code, asked.json()["status"]) == (202, "erasing")
    assert asked.json()["payment_methods_left"] == 1
    assert [one.is_usable for one in methods(house)] == [False]
    house.ask()
    assert methods(house) == []
    done = erase(house)
    assert (done.status_code, done.json()["status"]) == (200, "completed")
    with pytest.raises(Rejected, match="no such method"):
        house.charge(payment_request(house), method)


def test_a_gateway_that_refuses_for_good_leaves_no_row_here(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_self: SandboxGateway, _method: object) -> None:
        raise Rejected("No.")

    monkeypatch.setattr(SandboxGateway, "forget_method", refuse)
    pay(house)
    erase(house)

    house.ask()

    assert methods(house) == []
    assert erase(house).json()["status"] == "completed"


def test_an_open_invoice_and_its_page_are_in_the_way(house: House) -> None:
    invoice = house.finalize()

    refused = erase(house)

    assert (refused.status_code, refused.json()["code"]) == (409, "customer_not_ended")
    assert f"open invoice {invoice['invoice_number']}, payment page " in refused.json()["detail"]


@pytest.mark.parametrize("searched_at_once", [0, 2_000])
def test_what_the_gateway_told_of_them_is_emptied_and_stays_counted(
    house: House, monkeypatch: pytest.MonkeyPatch, searched_at_once: int
) -> None:
    monkeypatch.setattr(erasing, "SEARCHED_AT_ONCE", searched_at_once)
    retention = Retention(house.context.transactions, kinds_of(Periods()), now=house.clock)
    pay(house)
    # One that names nobody but by their address, as of a page that was left.
    with house.context.transactions.for_organization(house.organization_id) as session:
        session.execute(
            text(
                "INSERT INTO gateway_event (organization_id, id, connection_id, event_id, type,"
                " body, content, status, reason, received_at, processed_at)"
                " SELECT organization_id, gen_random_uuid(), connection_id, 'evt_left', 'left',"
                " :body, '{}', 'ignored', 'Nothing was paid.', received_at, processed_at"
                " FROM gateway_event LIMIT 1"
            ),
            {"body": b'{"email": "ap@harbor.test"}'},
        )
    before = len(house.events(page_size="100"))
    assert count_bodies(house, naming=house.customer_id) > 0

    erase(house)
    is_left = count_bodies(house, naming="ap@harbor.test") > 0
    assert is_left == (searched_at_once == 0)
    retention.forget_all()

    assert len(house.events(page_size="100")) == before
    assert count_bodies(house, naming=house.customer_id) == 0
    assert count_bodies(house, naming="ap@harbor.test") == 0
    with house.context.transactions.for_organization(house.organization_id) as session:
        urls = session.execute(text("SELECT count(url), count(*) FROM payment_link")).one()
        names = session.execute(text("SELECT names FROM customer_erasure")).scalar_one()
    assert tuple(urls) == (0, 1)
    assert names is None


def count_bodies(house: House, *, naming: str) -> int:
    statement = "SELECT count(*) FROM gateway_event WHERE position(:name IN body) > 0"
    with house.context.transactions.for_organization(house.organization_id) as session:
        return int(session.execute(text(statement), {"name": naming.encode()}).scalar_one())
