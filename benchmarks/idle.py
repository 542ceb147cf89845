"""P15: what an idle installation of 5,000 organizations asks of its database.

    python -m benchmarks idle

An API and a worker run beside a server that writes down every statement. Then a message is queued
by somebody else, again and again, and its delivery awaited.
"""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb
from sqlmodel import Session, create_engine

from benchmarks.figures import Result, figure
from benchmarks.servers import SECRET, make_database, running_postgres, running_process
from benchmarks.waves import running_temporal
from models.accounts.organizations import Organization, OrganizationDirectory
from models.base import new_id
from repositories.outbox import WAKE_MESSAGE
from runtime.database.engine import sqlalchemy_url
from runtime.embedded.engines import EmbeddedPostgres
from runtime.embedded.processes import choose_port

ORGANIZATIONS = 5_000
IDLE_SECONDS = 60
MESSAGES = 100


def measure() -> list[Result]:
    """How many statements a second, how many of them about organizations, and the delay."""
    with running_postgres() as postgres, running_temporal() as temporal:
        url = make_database(postgres)
        first = make_organizations(url)
        port = choose_port()
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "TEMPORAL_ADDRESS": temporal.address,
            "FLUXRATE_TASK_QUEUE": f"queue-{uuid4()}",
            "FLUXRATE_SECRET_KEY": SECRET,
        }
        address = f"http://127.0.0.1:{port}"
        words = ["-m", "cli.main", "api", "--processes", "1", "--port", str(port)]
        with (
            running_process(words, environment, address, "/livez"),
            running_process(["worker.py"], environment, address, "/livez"),
        ):
            time.sleep(15)
            statements = statements_of(postgres)
            delay = delay_of_messages(url, first)
    return figures(statements, delay)


def figures(statements: Sequence[str], delay: float) -> list[Result]:
    """What was executed in the idle minute, and how long messages took."""
    about = sum(bool(re.search(r"\borganization(_directory)?\b", one)) for one in statements)
    return [
        figure(
            "P15a",
            f"statements about organizations in an idle minute of the API and a worker, "
            f"{ORGANIZATIONS:,} organizations",
            value=about,
            unit="statements",
            goal="0",
            met=about == 0,
        ),
        figure(
            "P15b",
            "all statements of that minute",
            value=len(statements),
            unit="statements",
        ),
        figure(
            "P15c",
            "from another process's commit of a message to its delivery, middle one of 100",
            value=1000 * delay,
            unit="ms",
        ),
    ]


def make_organizations(url: str) -> UUID:
    """All of them; one is named. From then on the server writes down every statement."""
    engine = create_engine(sqlalchemy_url(url))
    now = datetime.now(UTC)
    ids = [new_id() for _ in range(ORGANIZATIONS)]
    with Session(engine) as session:
        session.add_all(
            Organization(id=one, name="Shop", slug=str(one), created_at=now) for one in ids
        )
        session.flush()
        session.add_all(OrganizationDirectory(id=one) for one in ids)
        session.commit()
    engine.dispose()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE benchmark SET log_statement = 'all'")
    return ids[0]


def statements_of(postgres: EmbeddedPostgres) -> list[str]:
    """What is executed in an idle minute."""
    seen = postgres.log.stat().st_size
    time.sleep(IDLE_SECONDS)
    written = postgres.log.read_text()[seen:]
    # Further lines of a statement begin with a tab.
    return re.findall(r"LOG: +(?:statement|execute [^:]*): (.*(?:\n\t.*)*)", written)


def delay_of_messages(url: str, organization_id: UUID) -> float:
    """Seconds from a commit that queues a message until it is gone, which is after its delivery."""
    delays = []
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(MESSAGES):
            message = new_id()
            connection.execute(
                "INSERT INTO outbox_message (organization_id, id, kind, key, payload, created_at,"
                " available_at, attempts) VALUES (%s, %s, %s, %s, %s, now(), now(), 0)",
                (
                    organization_id,
                    message,
                    WAKE_MESSAGE,
                    str(message),
                    Jsonb({"subscription_id": str(new_id())}),
                ),
            )
            queued = time.monotonic()
            waiting = "SELECT FROM outbox_message WHERE id = %s"
            while connection.execute(waiting, (message,)).fetchone() is not None:
                time.sleep(0.001)
            delays.append(time.monotonic() - queued)
            time.sleep(0.2)
    return statistics.median(delays)
