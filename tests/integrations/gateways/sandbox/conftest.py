"""A sandbox gateway on each kind of ledger, and an account at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from billing.notifications.deliveries import Answer, Room
from billing.payments.gateways import (
    GatewayEvent,
    GatewayPayment,
    PaymentRequest,
    SavedMethod,
)
from integrations.gateways.sandbox.faults import Faults
from integrations.gateways.sandbox.gateway import (
    SandboxAccount,
    SandboxGateway,
)
from integrations.gateways.sandbox.ledger.books import Ledger, open_ledger_file
from integrations.gateways.sandbox.ledger.outbox import SandboxLetter, settle, take_due
from integrations.gateways.sandbox.server import SandboxServer
from tests.shared_databases import SharedEngines

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADDRESS = "http://pay.example"


@dataclass
class Clock:
    """A clock that a test moves."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        """So much later."""
        self.at += timedelta(seconds=seconds)


@dataclass
class Sandbox:
    """A gateway, one account at it, and a browser."""

    ledger: Ledger
    clock: Clock
    server: SandboxServer
    client: httpx2.AsyncClient
    gateway: SandboxGateway
    account: SandboxAccount
    browser: httpx2.AsyncClient
    told: list[None] = field(default_factory=list)

    async def pay(self, url: str, outcome: str = "success") -> httpx2.Response:
        """What the page answers to a program that presses a button."""
        return await self.browser.post(f"{url}/pay", json={"outcome": outcome})

    def other_gateway(self, **changes: Any) -> SandboxGateway:
        """The gateway as somebody else knows it."""
        account = SandboxAccount(
            id=changes.get("id", self.account.id),
            secret=changes.get("secret", self.account.secret),
            webhook_url=changes.get("webhook_url", self.account.webhook_url),
        )
        return SandboxGateway(self.client, account)


def payment_of(**changes: Any) -> PaymentRequest:
    """A request for a payment of 82.45 USD."""
    return PaymentRequest(
        **{
            "organization_id": uuid4(),
            "invoice_id": uuid4(),
            "customer_id": uuid4(),
            "invoice_number": "INV-2026-0001",
            "amount": Decimal("82.45"),
            "currency": "USD",
            "idempotency_key": f"attempt-{uuid4()}",
            "customer_name": "Lumen Works",
            **changes,
        }
    )


async def save_method(sandbox: Sandbox, outcome: str = "success", **changes: object) -> SavedMethod:
    """The method of a customer whose page was last told this outcome."""
    request = payment_of(**changes)
    link = await sandbox.gateway.create_link(request)
    await sandbox.pay(link.url)
    [paid] = await sandbox.gateway.list_payments(link.reference)
    assert paid.saved_method is not None
    if outcome != "success":
        other = await sandbox.gateway.create_link(payment_of(customer_id=request.customer_id))
        await sandbox.pay(other.url, outcome)
    return paid.saved_method


async def charge_saved(sandbox: Sandbox, outcome: str = "success") -> GatewayPayment:
    """A charge of a method whose page was last told this outcome."""
    customer_id = uuid4()
    method = await save_method(sandbox, outcome, customer_id=customer_id)
    return await sandbox.gateway.charge(payment_of(customer_id=customer_id), method)


def take(sandbox: Sandbox, **changes: Any) -> list[SandboxLetter]:
    """What is due now."""
    room = Room(**{"total": 100, "of_each": 100, "of_busy": {}, **changes})
    return sandbox.ledger.run(lambda one: take_due(one, room, now=sandbox.clock.at))


def arrive(sandbox: Sandbox) -> list[SandboxLetter]:
    """What is due now, and is not sent again."""
    letters = take(sandbox)
    for letter in letters:
        came = partial(
            settle, letter=letter, answered=Answer(response_code=200), now=sandbox.clock.at
        )
        sandbox.ledger.run(came)
    return letters


def read(sandbox: Sandbox, letter: SandboxLetter) -> GatewayEvent:
    """What the account's receiver makes of it."""
    return sandbox.gateway.read_webhook(letter.headers, letter.body, now=sandbox.clock.at)


async def charged_under(
    sandbox: Sandbox, faults: Faults, *, customer_only: bool = False
) -> tuple[SandboxGateway, PaymentRequest, SavedMethod]:
    """What charges a customer of whom the plan holds, and nothing to send from before."""
    customer_id = uuid4()
    method = await save_method(sandbox, customer_id=customer_id)
    arrive(sandbox)
    subject = customer_id if customer_only else None
    await sandbox.gateway.set_faults(faults, customer_id=subject)
    return sandbox.gateway, payment_of(customer_id=customer_id), method


async def find(sandbox: Sandbox, request: PaymentRequest) -> GatewayPayment | None:
    """What the gateway knows of a charge when it answers again."""
    await sandbox.gateway.set_faults(None)
    return await sandbox.gateway.find_payment(reference=None, key=request.idempotency_key)


@pytest.fixture
def file_ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger in a file."""
    ledger = open_ledger_file(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.engine.dispose()


@pytest.fixture(params=["file", "postgres"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """A ledger of each kind; that on PostgreSQL as the application sees it."""
    if request.param == "file":
        yield request.getfixturevalue("file_ledger")
        return
    engines: SharedEngines = request.getfixturevalue("shared_engines")
    engine = engines.engine_of("integrations", 8)
    engines.quiet("integrations")
    yield Ledger(engine)


@pytest.fixture
async def sandbox(ledger: Ledger) -> AsyncIterator[Sandbox]:
    """A gateway on each kind of ledger."""
    async for made in make_sandbox(ledger):
        yield made


@pytest.fixture
async def file_sandbox(file_ledger: Ledger) -> AsyncIterator[Sandbox]:
    """A gateway on a file, for what is the same on every ledger."""
    async for made in make_sandbox(file_ledger):
        yield made


async def make_sandbox(ledger: Ledger) -> AsyncIterator[Sandbox]:
    clock, told = Clock(), list[None]()
    server = SandboxServer(ledger, address=ADDRESS, now=clock, told=lambda: told.append(None))
    account = SandboxAccount(
        id=uuid4(), secret=f"sandbox_{uuid4()}", webhook_url="http://127.0.0.1:9/hook"
    )
    browser = httpx2.AsyncClient(transport=httpx2.ASGITransport(server.app))
    async with server.connect() as client, browser:
        gateway = SandboxGateway(client, account)
        yield Sandbox(ledger, clock, server, client, gateway, account, browser, told)
