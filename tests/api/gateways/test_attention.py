"""What no webhook tells, and what a gateway tells otherwise later: rows, and books that follow."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import Connection, select, text, update

from billing.payments.gateways import GatewayStatus, PaymentRequest
from integrations.gateways.sandbox.faults import NO_FAULTS
from integrations.gateways.sandbox.gateway import SandboxGateway
from integrations.gateways.sandbox.ledger import outbox, refunds
from integrations.gateways.sandbox.ledger.refunds import DisputeAsked
from integrations.gateways.sandbox.ledger.tables import DisputeStatus, dispute, payment, refund
from integrations.gateways.sandbox.wire import DisputeTold, EventType
from repositories.payments.events import forget_bodies
from runtime.relays.retention import Retention
from services.personal_data.retention import Kind
from tests.api.gateways.house import V1, House
from tests.api.gateways.test_crashes import refuse

NAMES = ("type", "reference", "amount", "currency", "invoice_id")


def waiting(house: House) -> list[tuple[object, ...]]:
    """What waits for somebody."""
    found = house.events(status="needs_attention")
    return [tuple(one[name] for name in NAMES) for one in found]


def pay(house: House) -> tuple[str, str]:
    """An invoice that was paid on its page, and the gateway's name of its payment."""
    invoice = house.finalize()
    paid = house.press(invoice["payment_link"])
    house.settle()
    return invoice["id"], paid["id"]


def refund_by_request(house: House, invoice_id: str, amount: int) -> str:
    """A refund that is asked for here."""
    [paid] = house.payments(invoice_id)
    path = f"{V1}/payments/{paid['id']}/refund"
    answer = house.owner.post(path, json={"amount": amount})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def turn(house: House, account_id: UUID, reference: str, status: GatewayStatus) -> None:
    """The gateway tells another end of a refund than before, and its books say so."""

    def change(ledger: Connection) -> None:
        told = refunds.find_refund(ledger, account_id, refund.c.payment_id == reference)
        assert told is not None
        sign = 1 if status is GatewayStatus.SUCCEEDED else -1
        ledger.execute(update(refund).where(refund.c.id == told.id).values(status=status))
        moved = payment.c.refunded_minor + sign * told.amount_minor
        ledger.execute(
            update(payment).where(payment.c.id == reference).values(refunded_minor=moved)
        )
        event = EventType.REFUND_SUCCEEDED if sign == 1 else EventType.REFUND_FAILED
        outbox.queue(ledger, account_id, event, faults=NO_FAULTS, now=house.clock(), refund=told)

    house.ledger.run(change)


def test_refund_that_ends_otherwise_later_is_followed_by_the_books(house: House) -> None:
    invoice_id, reference = pay(house)
    refund_by_request(house, invoice_id, 50)
    house.settle()
    account_id = UUID(house.connection["id"])

    for status, sent in (
        (GatewayStatus.FAILED, 0),
        (GatewayStatus.SUCCEEDED, 50),
        (GatewayStatus.FAILED, 0),
    ):
        house.clock.advance(seconds=10)
        turn(house, account_id, reference, status)
        house.settle()

        [paid] = house.payments(invoice_id)
        assert paid["refunded_amount"] == sent
        assert house.invoice(invoice_id)["amount_due"] == sent
        journal = house.owner.get(f"{V1}/exports/journal?format=csv").text
        rows = [one.split(",") for one in journal.splitlines() if "Assets:Cash:Sandbox" in one]
        cash = sum(Decimal(one[-3] or 0) - Decimal(one[-2] or 0) for one in rows)
        assert cash == 120 - sent
    assert waiting(house) == []


def test_dispute_that_is_won_after_it_was_lost_brings_the_money_back(house: House) -> None:
    invoice_id, reference = pay(house)
    for status in (DisputeStatus.OPEN, DisputeStatus.LOST):
        house.loop.call(house.gateway.set_dispute, DisputeAsked(payment=reference, status=status))
    house.settle()
    assert house.invoice(invoice_id)["amount_due"] == 120
    account_id = UUID(house.connection["id"])

    for decided, due in (("won", 0), ("lost", 120)):
        house.clock.advance(seconds=10)
        decide(house, account_id, decided)
        house.settle()
        assert house.invoice(invoice_id)["amount_due"] == due
    assert waiting(house) == []


def decide(house: House, account_id: UUID, status: str) -> None:
    """A bank decides otherwise than before, which a sandbox does not by itself."""

    def change(ledger: Connection) -> None:
        ledger.execute(update(dispute).values(status=status))
        told = the_dispute(ledger, account_id)
        closed = EventType.DISPUTE_CLOSED
        outbox.queue(ledger, account_id, closed, faults=NO_FAULTS, now=house.clock(), dispute=told)

    house.ledger.run(change)


def the_dispute(ledger: Connection, account_id: UUID) -> DisputeTold:
    """The one dispute that there is."""
    reference = ledger.execute(select(dispute.c.id)).scalar_one()
    told = refunds.find_dispute(ledger, account_id, reference)
    assert told is not None
    return told


def test_dispute_is_what_the_gateway_says_when_it_is_asked(house: House) -> None:
    """A webhook that says lost, while the gateway knows better, moves nothing."""
    invoice_id, reference = pay(house)
    house.loop.call(house.gateway.set_dispute, DisputeAsked(payment=reference))
    account_id = UUID(house.connection["id"])

    def forge(ledger: Connection) -> None:
        lost = msgspec.structs.replace(the_dispute(ledger, account_id), status="lost")
        closed = EventType.DISPUTE_CLOSED
        outbox.queue(ledger, account_id, closed, faults=NO_FAULTS, now=house.clock(), dispute=lost)

    house.ledger.run(forge)
    house.settle()

    [paid] = house.payments(invoice_id)
    assert paid["refunded_amount"] == 0
    [shown] = house.owner.get(f"{V1}/payments/{paid['id']}").json()["disputes"]
    assert shown["status"] == "open"


def test_refund_that_the_gateway_refuses_is_a_row_that_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice_id, reference = pay(house)

    with monkeypatch.context() as refusing:
        refusing.setattr(SandboxGateway, "refund", refuse)
        refund_by_request(house, invoice_id, 50)
        house.ask()

    assert waiting(house) == [("refund.given_up", reference, 50, "USD", invoice_id)]
    assert house.payments(invoice_id)[0]["refunded_amount"] == 0


def test_page_that_nobody_may_look_at_any_more_is_a_row_that_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = house.finalize()
    with house.context.transactions.for_organization(house.organization_id) as session:
        reference = session.execute(text("SELECT reference FROM payment_link")).scalar_one()
        session.execute(text("UPDATE gateway_task SET attempts = 59 WHERE kind = 'renew_link'"))

    with monkeypatch.context() as refusing:
        refusing.setattr(SandboxGateway, "list_payments", refuse)
        house.later(days=2)
        house.ask()

    assert waiting(house) == [("payment_link.given_up", reference, 120, "USD", invoice["id"])]


def test_money_on_a_page_that_fits_no_invoice_is_a_row_that_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = house.finalize()
    foreign = PaymentRequest(
        organization_id=house.organization_id,
        invoice_id=uuid4(),
        customer_id=UUID(house.customer_id),
        invoice_number="INV-1",
        amount=Decimal(77),
        currency="USD",
        idempotency_key=f"foreign {uuid4()}",
        customer_name="Harbor",
    )
    link = house.loop.call(house.gateway.create_link, foreign)
    paid = house.press(link.url)
    house.letters()  # What tells of it is lost.
    found = partial(house.gateway.list_payments, link.reference)

    async def list_foreign(*_asked: object) -> object:
        return await found()

    with monkeypatch.context() as mixed:
        mixed.setattr(SandboxGateway, "list_payments", list_foreign)
        for _ in range(2):
            house.later(days=2)
            house.ask()

    assert waiting(house) == [("payment.found", paid["id"], 77, "USD", None)]
    assert house.invoice(invoice["id"])["status"] == "OPEN"


def test_bodies_go_after_a_while_and_what_they_were_about_stays(house: House) -> None:
    pay(house)
    before = house.events(page_size="100")
    transactions = house.context.transactions
    kind = Kind(name="gateway_event_bodies", days=90, forget=forget_bodies)
    retention = Retention(transactions, [kind], now=house.clock)

    assert retention.forget(kind) == 0
    house.later(days=91)
    assert retention.forget(kind) >= len(before) > 0
    assert retention.forget(kind) == 0

    assert house.events(page_size="100") == before
    assert [one["amount"] for one in before if one["type"] == "payment.succeeded"] == [120]
    with transactions.for_organization(house.organization_id) as session:
        left = session.execute(text("SELECT count(body), count(*) FROM gateway_event")).one()
    assert tuple(left) == (0, len(before))
