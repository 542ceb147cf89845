"""The running product that is fuzzed: API over HTTP and worker in a process of their own."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import structlog

from api.document.operations import Document
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.exit import leave
from tests.scenarios.product import Product, settings_for
from tests.servers import TestRun, make_database, start_postgres, start_shared_temporal

PATIENCE: Final = {
    "api_statement_seconds": 60,
    "auth_per_minute": 10**9,
    "stream_seconds": 1,
    "workflow_sandbox": False,
}
"""A busy machine is no defect, all requests come from one address, and each waits for the last."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where it answers, what it says of itself, and its database."""

    url: str
    document: Document
    transactions: Transactions


@contextmanager
def open_site(log: Path) -> Iterator[Site]:
    """It serves until the end of the block; its log, with the traceback of each error, is kept."""
    run = TestRun()
    try:
        postgres = start_postgres("fuzz")
        database_url = make_database(postgres, "fuzz")
        temporal = start_shared_temporal()
        engine = create_application_engine(database_url, pool_size=2)
        with _serving(database_url, temporal.address, log) as url:
            with urlopen(f"{url}/openapi.json") as answer:
                document = json.load(answer)
            yield Site(url, document, Transactions(engine))
        engine.dispose()
    finally:
        run.end()


@contextmanager
def _serving(database_url: str, temporal_address: str, log: Path) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(database_url, temporal_address, log, there))
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("stop")
        process.join(60)
        process.kill()


def _serve(database_url: str, temporal_address: str, log: Path, told: Connection) -> None:
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(log.open("w")))
    settings = settings_for(database_url, temporal_address).model_copy(update=PATIENCE)
    product = Product(settings, is_told=True).start()
    told.send(product.url)
    told.recv()
    product.stop()
    leave()


def now() -> datetime:
    """The wall clock, by which everything lives here."""
    return datetime.now(UTC)
