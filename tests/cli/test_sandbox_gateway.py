"""The sandbox gateway by itself: over TCP, killed and started again, and compared with its file."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest

from billing.errors import Unavailable
from billing.payments.gateways import GatewayStatus, PaymentRequest, RefundRequest, SavedMethod
from integrations.gateways.sandbox.faults import Faults
from integrations.gateways.sandbox.gateway import SandboxAccount, SandboxGateway
from integrations.gateways.sandbox.server import connect_to
from tests.cli.running import clean_environment, fluxrate

ACCOUNT = SandboxAccount(id=UUID(int=1), secret="s" * 32, webhook_url="http://127.0.0.1:9/")


@contextmanager
def serving(ledger: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The gateway as a process, and where it listens."""
    words = ["sandbox-gateway", "serve", "--ledger", str(ledger), "--port", str(port)]
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", *words],
        env=clean_environment(),
        text=True,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


@asynccontextmanager
async def reaching(url: str) -> AsyncIterator[SandboxGateway]:
    """The gateway as an account knows it from another process."""
    async with connect_to(url) as client:
        yield SandboxGateway(client, ACCOUNT, within_seconds=5)


def payment_of(
    key: str, customer_id: UUID, *, amount: str = "82.45", currency: str = "USD"
) -> PaymentRequest:
    return PaymentRequest(
        organization_id=UUID(int=2),
        invoice_id=UUID(int=int(key.rpartition("-")[2])),
        customer_id=customer_id,
        invoice_number="INV-2026-0001",
        amount=Decimal(amount),
        currency=currency,
        idempotency_key=key,
        customer_name="Lumen Works",
    )


async def save_method(gateway: SandboxGateway, customer_id: UUID) -> SavedMethod:
    """A method, by the page and a client of its own."""
    link = await gateway.create_link(payment_of("link-1", customer_id))
    async with httpx2.AsyncClient() as browser:
        page = await browser.get(link.url)
        assert "$82.45" in page.text
        answer = await browser.post(f"{link.url}/pay", data={"outcome": "success"})
        assert answer.status_code == 303
        assert "Paid" in (await browser.get(link.url)).text
    [paid] = await gateway.list_payments(link.reference)
    assert paid.saved_method is not None
    return paid.saved_method


async def charge_in_the_end(
    gateway: SandboxGateway, request: PaymentRequest, method: SavedMethod
) -> GatewayStatus:
    """Charge under one key until an answer comes."""
    while True:
        try:
            return (await gateway.charge(request, method)).status
        except Unavailable:
            await asyncio.sleep(0.05)


async def test_a_gateway_that_is_killed_has_charged_each_key_once(tmp_path: Path) -> None:
    ledger, customer_id = tmp_path / "gateway.sqlite", uuid4()
    with serving(ledger) as (first, url):
        async with reaching(url) as gateway:
            method = await save_method(gateway, customer_id)
            faults = Faults(
                seed=5, lost_before_share=Decimal("0.2"), lost_after_share=Decimal("0.2")
            )
            await gateway.set_faults(faults)
            asked = [payment_of(f"charge-{number}", customer_id) for number in range(10, 50)]
            charging = asyncio.gather(
                *(charge_in_the_end(gateway, one, method) for one in [*asked, *asked])
            )
            await asyncio.sleep(0.4)
            first.kill()
            first.wait()
            with serving(ledger, int(url.rpartition(":")[2])):
                statuses = await charging

    assert set(statuses) == {GatewayStatus.SUCCEEDED}
    told = json.loads(fluxrate("sandbox-gateway", "ledger", str(ledger), "--json").stdout)
    assert [one["succeeded"] for one in told["invoices"]] == [1] * 41
    assert told["totals"] == [
        {
            "currency": "USD",
            "invoices": 41,
            "succeeded": 41,
            "paid_minor": 41 * 8245,
            "refunded_minor": 0,
        }
    ]


async def test_the_ledger_is_summed_up_for_people(tmp_path: Path) -> None:
    ledger = tmp_path / "gateway.sqlite"
    with serving(ledger) as (_, url):
        async with reaching(url) as gateway:
            method = await save_method(gateway, customer_id := uuid4())
            charged = await gateway.charge(
                payment_of("charge-7", customer_id, amount="500", currency="JPY"), method
            )
            await gateway.refund(
                RefundRequest(
                    payment_reference=charged.references[0],
                    amount=Decimal(20),
                    currency="JPY",
                    idempotency_key="r",
                )
            )

    told = fluxrate("sandbox-gateway", "ledger", str(ledger))

    assert told.returncode == 0
    assert told.stdout.splitlines()[:2] == [
        "JPY: 1 payments of 1 invoices, 500 paid, 20 refunded",
        "USD: 1 payments of 1 invoices, 82.45 paid, 0.00 refunded",
    ]


def test_a_port_that_is_taken_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with serving(tmp_path / "one.sqlite") as (_, url):
        port = url.rpartition(":")[2]
        refused = fluxrate(
            *("sandbox-gateway", "serve", "--port", port),
            *("--ledger", str(tmp_path / "two.sqlite")),
        )

    assert refused.returncode == 1
    assert "The sandbox gateway cannot listen on 127.0.0.1" in refused.stderr


@pytest.mark.parametrize("name", ["missing.sqlite", "."])
def test_a_ledger_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    refused = fluxrate("sandbox-gateway", "ledger", str(tmp_path / name), "--json")

    assert refused.returncode == 2
    assert not (tmp_path / "missing.sqlite").exists()
