"""The application with the sandbox gateway, whose webhooks and tasks a test carries itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.context import AppContext
from integrations.gateways.client import ProviderClient
from integrations.gateways.registry import GatewayRegistry
from integrations.gateways.sandbox.ledger.books import open_ledger_file
from integrations.gateways.sandbox.server import SandboxServer
from repositories.transactions import Transactions
from runtime.security import Security
from tests.api.gateways.house import House
from tests.api.people import PATIENT_SECONDS, Clock, Person


@pytest.fixture
def server(tmp_path: Path, clock: Clock) -> Iterator[SandboxServer]:
    """A sandbox gateway on a ledger of its own."""
    ledger = open_ledger_file(tmp_path / "ledger.sqlite")
    yield SandboxServer(ledger, address="http://pay.example", now=clock)
    ledger.engine.dispose()


@pytest.fixture
def context(
    transactions: Transactions, security: Security, clock: Clock, server: SandboxServer
) -> AppContext:
    """The application's surroundings, with the one gateway that needs no provider."""
    return AppContext(
        transactions=transactions,
        security=security,
        now=clock,
        transaction_seconds=PATIENT_SECONDS,
        gateways=GatewayRegistry(ProviderClient(), sandbox=server.connect()),
    )


@pytest.fixture
def house(
    app: FastAPI,
    context: AppContext,
    server: SandboxServer,
    tmp_path: Path,
    one_event_loop: BlockingPortal,
    clock: Clock,
) -> Iterator[House]:
    """An organization that has connected the sandbox gateway."""
    ledger = open_ledger_file(tmp_path / "ledger.sqlite")
    owner = Person(app).sign_up()
    yield House.open(owner, context, server, ledger, one_event_loop, clock)
    ledger.engine.dispose()
