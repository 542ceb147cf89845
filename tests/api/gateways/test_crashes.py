"""Processes that die while a gateway is asked: the next one goes on, and nothing is done twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.errors import Rejected
from billing.notifications.deliveries import Room
from integrations.gateways.sandbox.gateway import SandboxGateway
from repositories.payments.tasks import TakenTask
from services.payments import tasks
from tests.api.gateways.house import V1, House

ROOM = Room(total=10, of_each=10, of_busy={})


def take(house: House) -> list[TakenTask]:
    """What is due is a process's own, which dies."""
    return tasks.take_due(house.context.transactions, ROOM, now=house.clock())


def do_and_die(house: House) -> None:
    """What is due is done at the gateway and here, and nobody says so."""
    for task in take(house):
        house.loop.call(house.context.desk.perform, task, run_at_once)


async def run_at_once(work: Any) -> Any:
    return work()


def refund(house: House, invoice_id: str, amount: float | None = None) -> dict[str, Any]:
    [paid] = house.payments(invoice_id)
    body = {} if amount is None else {"amount": amount}
    answer = house.owner.post(f"{V1}/payments/{paid['id']}/refund", json=body)
    assert answer.status_code in {200, 201}, answer.text
    made: dict[str, Any] = answer.json()
    return made


def pay(house: House) -> str:
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    house.settle()
    assert house.invoice(invoice["id"])["status"] == "PAID"
    return str(invoice["id"])


def sent_back(house: House, invoice_id: str) -> Decimal:
    """What the gateway says went back."""
    [paid] = house.payments(invoice_id)
    reference = paid["reference"]
    told = house.loop.call(lambda: house.gateway.find_payment(reference=reference, key=None))
    assert told is not None
    return told.refunded_amount


def test_event_that_was_taken_by_the_dead_is_worked_on_by_the_living(house: House) -> None:
    invoice = house.finalize()
    house.ask()
    house.press(invoice["payment_link"])
    house.deliver(*house.letters())

    assert len(take(house)) == 1
    house.ask()
    assert house.invoice(invoice["id"])["status"] == "OPEN"
    house.clock.advance(minutes=6)
    house.ask()

    assert house.invoice(invoice["id"])["status"] == "PAID"
    assert [one["status"] for one in house.events()] == ["processed"]


def test_event_that_was_worked_on_and_not_settled_is_done_once(house: House) -> None:
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    house.deliver(*house.letters())

    do_and_die(house)
    house.clock.advance(minutes=6)
    house.ask()

    assert [one["amount"] for one in house.payments(invoice["id"])] == [120]


def test_refund_that_was_sent_and_not_settled_is_looked_up(house: House) -> None:
    invoice_id = pay(house)
    refund(house, invoice_id, 30)

    do_and_die(house)
    house.clock.advance(minutes=6)
    house.settle()

    assert sent_back(house, invoice_id) == 30
    assert [one["refunded_amount"] for one in house.payments(invoice_id)] == [30]


def test_refund_is_pending_until_the_gateway_sent_it(house: House) -> None:
    invoice_id = pay(house)

    made = refund(house, invoice_id)

    assert sent_back(house, invoice_id) == 0
    house.settle()
    assert sent_back(house, invoice_id) == 120
    assert made["amount"] == 120
    assert house.invoice(invoice_id)["status"] == "PAID"
    # Its own webhook found it known.
    assert house.events(status="needs_attention") == []


def test_key_that_was_rolled_holds_an_event_up_and_ends_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    house.deliver(*house.letters())

    with monkeypatch.context() as rolled:
        rolled.setattr(SandboxGateway, "find_payment", refuse)
        for _ in range(3):
            house.ask()
            house.clock.advance(minutes=1)
    assert [one["status"] for one in house.events()] == ["received"]
    house.ask()

    assert [one["status"] for one in house.events()] == ["processed"]
    assert house.invoice(invoice["id"])["status"] == "PAID"


@pytest.mark.parametrize("refused", ["find_refund", "refund"])
def test_refund_whose_answer_was_lost_is_not_failed_by_a_no(
    house: House, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    invoice_id = pay(house)
    refund(house, invoice_id, 30)
    do_and_die(house)

    house.clock.advance(minutes=6)
    with monkeypatch.context() as rolled:
        rolled.setattr(SandboxGateway, "find_refund", find_none)
        rolled.setattr(SandboxGateway, refused, refuse)
        house.ask()
    assert [one["refunded_amount"] for one in house.payments(invoice_id)] == [30]
    house.later(hours=2)
    house.settle()

    assert sent_back(house, invoice_id) == 30
    assert [one["refunded_amount"] for one in house.payments(invoice_id)] == [30]


def test_payment_on_its_way_when_its_page_closes_arrives_without_a_webhook(house: House) -> None:
    invoice = house.finalize()
    house.press(invoice["payment_link"], "pending")
    status = {"status": "VOID"}
    path = f"{V1}/invoices/{invoice['id']}/status"
    assert house.owner.patch(path, json=status).status_code == 200
    house.ask()
    assert house.payments(invoice["id"]) == []

    house.later(hours=2)
    house.letters()  # The payment ends; what tells of it is lost.
    house.ask()

    assert [one["status"] for one in house.payments(invoice["id"])] == ["succeeded"]


async def find_none(*_asked: object, **_by: object) -> None:
    return None


async def refuse(*_asked: object, **_by: object) -> None:
    raise Rejected("There is no such key.")
