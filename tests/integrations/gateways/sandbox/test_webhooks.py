"""Webhooks of the sandbox gateway: everything that happens is told, and nothing else."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import uuid4

from billing.payments.gateways import PaymentRequest, RefundRequest
from integrations.gateways.sandbox.ledger.refunds import DisputeAsked
from integrations.gateways.sandbox.ledger.tables import DisputeStatus
from tests.integrations.gateways.sandbox.conftest import Sandbox, payment_of, read, take


async def do_everything(sandbox: Sandbox, request: PaymentRequest) -> str:
    """The reference of a payment to which all happened that can, a second apart."""
    link = await sandbox.gateway.create_link(request)
    other = await sandbox.gateway.create_link(payment_of(customer_id=request.customer_id))
    await sandbox.pay(link.url, "failure")
    sandbox.clock.move(1)
    reference = (await sandbox.pay(link.url)).json()["id"]
    sandbox.clock.move(1)
    await sandbox.gateway.refund(
        RefundRequest(
            payment_reference=reference, amount=Decimal(2), currency="USD", idempotency_key="r"
        )
    )
    sandbox.clock.move(1)
    await sandbox.gateway.set_dispute(DisputeAsked(payment=reference, reason="fraudulent"))
    sandbox.clock.move(1)
    for _ in range(2):
        asked = DisputeAsked(payment=reference, status=DisputeStatus.LOST)
        await sandbox.gateway.set_dispute(asked)
    sandbox.clock.move(1)
    await sandbox.gateway.expire_link(other.reference)
    return str(reference)


async def test_everything_that_happens_is_told_once_and_in_order(sandbox: Sandbox) -> None:
    request = payment_of()
    reference = await do_everything(sandbox, request)

    events = [read(sandbox, letter) for letter in take(sandbox)]

    assert [one.type for one in events] == [
        "payment.failed",
        "payment.succeeded",
        "refund.succeeded",
        "dispute.opened",
        "dispute.closed",
        "link.expired",
    ]
    _, paid, refunded, opened, closed, expired = events
    found = await sandbox.gateway.find_payment(reference=reference, key=None)
    assert paid.payment is not None
    assert found is not None
    assert paid.payment.references == found.references
    assert paid.payment.invoice_id == request.invoice_id
    assert refunded.refund == await sandbox.gateway.find_refund(
        payment_reference=reference, key="r"
    )
    assert opened.dispute is not None
    assert closed.dispute is not None
    assert (opened.dispute.status, closed.dispute.status) == ("open", "lost")
    assert closed.dispute.reason == "fraudulent"
    assert (expired.payment, expired.refund, expired.dispute) == (None, None, None)
    assert len({one.id for one in events}) == 6
    assert take(sandbox) == []


async def test_what_is_pending_is_told_twice(sandbox: Sandbox) -> None:
    link = await sandbox.gateway.create_link(payment_of())
    await sandbox.pay(link.url, "pending")
    first = [read(sandbox, one).type for one in take(sandbox)]
    sandbox.clock.move(6)
    await sandbox.gateway.list_payments(link.reference)

    assert first == ["payment.pending"]
    assert [read(sandbox, one).type for one in take(sandbox)] == ["payment.succeeded"]


async def test_a_payment_that_is_not_committed_is_not_told(sandbox: Sandbox) -> None:
    link = await sandbox.gateway.create_link(payment_of())
    await sandbox.pay(link.url)
    assert (await sandbox.pay(link.url)).status_code == 409

    assert len(take(sandbox)) == 1


async def test_several_processes_never_take_the_same(sandbox: Sandbox) -> None:
    for _ in range(6):
        await sandbox.pay((await sandbox.gateway.create_link(payment_of())).url)

    taken = await asyncio.gather(*(asyncio.to_thread(take, sandbox, total=3) for _ in range(4)))

    ids = [letter.id for batch in taken for letter in batch]
    assert len(ids) == len(set(ids)) <= 6
    sandbox.clock.move(61)
    assert len(take(sandbox)) == 6


async def test_an_account_takes_no_more_than_its_room(sandbox: Sandbox) -> None:
    other = sandbox.other_gateway(id=uuid4())
    for gateway in (sandbox.gateway, sandbox.gateway, sandbox.gateway, other):
        await sandbox.pay((await gateway.create_link(payment_of())).url)

    taken = take(sandbox, of_each=2)
    rest = take(sandbox, of_each=2, of_busy={sandbox.account.id: 0})

    assert len(taken) == 3
    assert rest == []


async def test_webhooks_go_where_the_account_last_said(sandbox: Sandbox) -> None:
    link = await sandbox.gateway.create_link(payment_of())
    moved = sandbox.other_gateway(webhook_url="http://127.0.0.1:7/moved")
    await moved.list_payments(link.reference)
    await sandbox.pay(link.url)

    assert [one.url for one in take(sandbox)] == ["http://127.0.0.1:7/moved"]
