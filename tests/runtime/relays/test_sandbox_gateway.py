"""The sandbox gateway's webhooks arrive, whoever fails in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from billing.payments.gateways import GatewayEvent, PaymentRequest, WebhookRefused
from integrations.gateways.sandbox.faults import Faults
from integrations.gateways.sandbox.gateway import SandboxAccount, SandboxGateway
from integrations.gateways.sandbox.ledger.books import open_ledger_file
from integrations.gateways.sandbox.ledger.sums import sum_up
from integrations.gateways.sandbox.server import SandboxServer
from runtime.database.engine import create_application_engine
from runtime.relays.sandbox_gateway import reach_sandbox, serve_ledger
from runtime.settings import Settings
from tests.receivers import Receiver, receiving


def now() -> datetime:
    return datetime.now(UTC)


def account_at(url: str) -> SandboxAccount:
    return SandboxAccount(id=uuid4(), secret="s" * 32, webhook_url=url)


def payment_of() -> PaymentRequest:
    return PaymentRequest(
        organization_id=uuid4(),
        invoice_id=uuid4(),
        customer_id=uuid4(),
        invoice_number="INV-2026-0001",
        amount=Decimal("82.45"),
        currency="USD",
        idempotency_key=str(uuid4()),
        customer_name="Lumen Works",
    )


async def pay(gateway: SandboxGateway, server: SandboxServer, outcome: str = "success") -> None:
    link = await gateway.create_link(payment_of())
    transport = httpx2.ASGITransport(server.app)
    async with httpx2.AsyncClient(transport=transport) as browser:
        answer = await browser.post(f"{link.url}/pay", json={"outcome": outcome})
    assert answer.status_code == 200


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[SandboxServer]:
    """A gateway with its relay, for as long as the block lasts."""
    ledger = open_ledger_file(path)
    server, relay = serve_ledger(ledger, address="http://pay.example", now=now, threads=2)
    task = asyncio.create_task(relay.run())
    try:
        yield server
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        ledger.engine.dispose()


async def until_told(receiver: Receiver, times: int) -> None:
    async with asyncio.timeout(20):
        while len(receiver.bodies) < times:  # noqa: ASYNC110  (it answers in a thread)
            await asyncio.sleep(0.02)


def read_all(gateway: SandboxGateway, receiver: Receiver) -> list[GatewayEvent]:
    told = []
    for head, body in zip(receiver.heads, receiver.bodies, strict=True):
        with suppress(WebhookRefused):
            told.append(gateway.read_webhook(head, body, now=now()))
    return told


async def test_a_payment_is_told_at_once_and_once(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with running(tmp_path / "ledger") as server, server.connect() as client:
            gateway = SandboxGateway(client, account_at(receiver.url))
            await pay(gateway, server)
            await until_told(receiver, 1)
            await asyncio.sleep(0.3)

    assert [one.type for one in read_all(gateway, receiver)] == ["payment.succeeded"]


async def test_a_receiver_that_fails_is_told_again(tmp_path: Path) -> None:
    with receiving(status=503) as receiver:
        async with running(tmp_path / "ledger") as server, server.connect() as client:
            gateway = SandboxGateway(client, account_at(receiver.url))
            await pay(gateway, server)
            await until_told(receiver, 1)
            receiver.status = 200
            await until_told(receiver, 2)

    first, second = read_all(gateway, receiver)
    assert first == second


async def test_what_a_gateway_that_was_stopped_had_to_tell_is_told_by_the_next(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger"
    with receiving(status=500) as receiver:
        account = account_at(receiver.url)
        async with running(path) as server, server.connect() as client:
            await pay(SandboxGateway(client, account), server)
            await until_told(receiver, 1)
        receiver.status = 200
        async with running(path) as server, server.connect() as client:
            gateway = SandboxGateway(client, account)
            await until_told(receiver, 2)

    assert {one.type for one in read_all(gateway, receiver)} == {"payment.succeeded"}


async def test_what_is_pending_ends_and_is_told_without_anybody_asking(tmp_path: Path) -> None:
    with receiving() as receiver:
        async with running(tmp_path / "ledger") as server, server.connect() as client:
            gateway = SandboxGateway(client, account_at(receiver.url))
            await gateway.set_faults(Faults(pending_seconds=1))
            await pay(gateway, server, "pending")
            await until_told(receiver, 2)

    assert [one.type for one in read_all(gateway, receiver)] == [
        "payment.pending",
        "payment.succeeded",
    ]


async def test_what_is_forged_is_sent_once_and_never_read(tmp_path: Path) -> None:
    with receiving(status=400) as receiver:
        path = tmp_path / "ledger"
        async with running(path) as server, server.connect() as client:
            gateway = SandboxGateway(client, account_at(receiver.url))
            await gateway.set_faults(Faults(webhook_forge_share=Decimal(1)))
            await pay(gateway, server)
            await until_told(receiver, 2)
            receiver.status = 200
            await until_told(receiver, 3)
            await asyncio.sleep(1.5)

    assert len(receiver.bodies) == 3
    assert len({one.id for one in read_all(gateway, receiver)}) == 1
    assert open_ledger_file(path).run(sum_up).webhooks_waiting == 0


async def test_a_process_has_the_gateway_in_itself_unless_one_is_named(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_application_engine(database_url, pool_size=3)
    here = reach_sandbox(engine, Settings(public_url="http://billing.example"), now=now)
    monkeypatch.setenv("FLUXRATE_SANDBOX_GATEWAY_URL", "http://127.0.0.1:1")
    there = reach_sandbox(engine, Settings(), now=now)

    gateway = SandboxGateway(here.client, account_at("http://127.0.0.1:9/"))
    link = await gateway.create_link(payment_of())

    assert link.url.startswith("http://billing.example/sandbox/pay/")
    assert here.server is not None
    assert here.relay is not None
    assert (there.server, there.relay) == (None, None)
    assert str(there.client.base_url) == "http://127.0.0.1:1"
    engine.dispose()
