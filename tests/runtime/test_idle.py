"""An idle installation of many organizations asks its database for none of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from cli.local.instance import answers
from runtime.embedded.engines import EmbeddedPostgres
from runtime.embedded.processes import choose_port, wait_until
from tests.many_organizations import add_organizations
from tests.servers import superuser_url

IDLE_SECONDS = 3.0

ONCE_A_WHILE = re.compile("LISTEN|BEGIN|COMMIT|SELECT set_config|SELECT outbox_message")
"""What is asked every half a minute may fall into these seconds; it finds by index what is due."""


@pytest.fixture
def installation(database_url: str) -> str:
    """A database of 5,000 organizations, whose server writes down every statement."""
    add_organizations(database_url, now=datetime.now(UTC))
    with psycopg.connect(superuser_url(database_url), autocommit=True) as connection:
        name = Identifier(connection.info.dbname)
        connection.execute(SQL("ALTER DATABASE {} SET log_statement = 'all'").format(name))
    return database_url


@contextmanager
def process(*words: str, **environment: str) -> Iterator[None]:
    """A process of the product, ended afterwards as an operator would."""
    running = subprocess.Popen(
        [sys.executable, "-m", *words], env=os.environ | environment, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(60)


def statements(log: str) -> list[str]:
    """What a server's log says was executed."""
    # Further lines of a statement begin with a tab.
    return re.findall(r"LOG: +(?:statement|execute [^:]*): (.*(?:\n\t.*)*)", log)


def test_idle_seconds_touch_no_organization(
    postgres_server: EmbeddedPostgres, installation: str, temporal_address: str
) -> None:
    environment = {
        "DATABASE_URL": installation,
        "TEMPORAL_ADDRESS": temporal_address,
        "FLUXRATE_TASK_QUEUE": f"queue-{uuid4()}",
        "FLUXRATE_SECRET_KEY": "a secret that only tests know, long enough",
    }
    log, port = postgres_server.log, choose_port()

    def has_come_to_rest() -> bool:
        before = log.stat().st_size
        time.sleep(1.5)
        return log.stat().st_size == before

    with ExitStack() as running:
        running.enter_context(process("worker", **environment))
        running.enter_context(process("cli.serve", "--port", str(port), **environment))
        url = f"http://127.0.0.1:{port}/readyz"
        assert wait_until(lambda: answers(url), timeout_seconds=60, pause_seconds=0.2)
        assert wait_until(
            lambda: log.read_text().count("LISTEN") >= 3, timeout_seconds=60, pause_seconds=0.2
        )
        assert wait_until(has_come_to_rest, timeout_seconds=60)
        seen = log.stat().st_size
        time.sleep(IDLE_SECONDS)

        before, during = log.read_text()[:seen], log.read_text()[seen:]

    assert "LISTEN" in " ".join(statements(before))
    assert [one for one in statements(during) if not ONCE_A_WHILE.match(one)] == []
    assert [
        one for one in statements(during) if re.search(r"\borganization(_directory)?\b", one)
    ] == []
