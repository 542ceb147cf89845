"""What a bill and a read cost as an installation grows, in subscriptions and in organizations.

    python -m benchmarks scale

An organization is made by the product's own services, and copied with all that it has, since rows
are named by their organization. Then some bills are closed and finalized in groups, as workers do
it, and read. What is measured is processor time, of Python and of PostgreSQL, so others on the
machine matter little. ``BENCHMARK_SCALE`` names other sizes, as ``subscriptions/organizations``.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, sql
from sqlalchemy.engine import make_url

from activities import declarations
from activities.declarations import SubscriptionReference
from activities.subscriptions import SubscriptionActivities
from benchmarks.figures import Result, figure
from benchmarks.growth import request_of
from benchmarks.servers import make_database, running_postgres
from benchmarks.wave_subscriptions import make_subscriptions
from benchmarks.waves import cpu_of
from billing.subscriptions import WorkflowState
from models.base import new_id
from repositories.asynchronous.connections import connect
from repositories.catalog.shown import SUBSCRIPTION_PAGES
from repositories.invoicing.shown import INVOICES
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.embedded.engines import EmbeddedPostgres

SIZES = tuple(
    tuple(map(int, one.split("/")))
    for one in os.environ.get(
        "BENCHMARK_SCALE", "1000/1,10000/10,10000/100,10000/5000,50000/50"
    ).split(",")
)
BILLED, TOGETHER = 200, 50
READS = 300

Key = tuple[UUID, UUID]
"""Organization and subscription, or invoice."""


def measure() -> list[Result]:
    """The figures of each size."""
    results = []
    for subscriptions, organizations in SIZES:
        with running_postgres() as server:
            results += measure_size(server, subscriptions, organizations)
    return results


def measure_size(server: EmbeddedPostgres, subscriptions: int, organizations: int) -> list[Result]:
    """CPU of a bill, of an invoice and of a list of 20, and what a subscription keeps."""
    url = make_database(server)
    began_at = datetime.now(UTC) - timedelta(days=40)
    made = make_subscriptions(url, began_at, subscriptions // organizations)
    copies = copy_organization(url, made[0].organization_id, organizations - 1)
    size = database_bytes(url)
    keys = [(copy, one.subscription_id) for copy in copies for one in made]
    billed = random.Random(1).sample(keys, min(BILLED, len(keys)))
    bills = cpu_per(server, len(billed), lambda: close(url, billed))
    grown = database_bytes(url) - size
    invoices = cpu_per(server, READS, lambda: asyncio.run(read_invoices(url)))
    lists = cpu_per(server, READS, lambda: asyncio.run(list_subscriptions(url, copies)))
    place = f"{subscriptions:,} subscriptions of {organizations:,} organizations"
    named = [
        ("a", "CPU of closing, billing and finalizing in groups", bills, "ms a bill"),
        ("b", "CPU of reading an invoice, without HTTP", invoices, "ms"),
        ("c", "CPU of listing 20 subscriptions, without HTTP", lists, "ms"),
        ("d", "rows and indexes", size / subscriptions / 1000, "kB a subscription"),
        ("e", "the same of its bill", grown / len(billed) / 1000, "kB a bill"),
    ]
    return [
        figure(
            f"S{subscriptions}/{organizations}{letter}",
            f"{what}, {place}",
            value=value,
            unit=unit,
        )
        for letter, what, value, unit in named
    ]


def database_bytes(url: str) -> int:
    """What the database holds, once PostgreSQL has looked through it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        [size] = connection.execute("SELECT pg_database_size('benchmark')").fetchone() or [0]
    return int(size)


def copy_organization(url: str, organization_id: UUID, count: int) -> list[UUID]:
    """The organization and so many like it, each with rows of the same ids."""
    copies = [new_id() for _ in range(count)]
    with psycopg.connect(url, autocommit=True) as connection:
        # Rows that were valid once are not looked at again; nobody is told of them.
        connection.execute("SET session_replication_role = replica")
        tables = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
            " WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace AND attname = 'organization_id'"
        ).fetchall()
        for (table,) in [("organization",), ("organization_directory",), *tables]:
            copy_rows(connection, table, organization_id, copies)
    return [organization_id, *copies]


def copy_rows(
    connection: psycopg.Connection, table: str, organization_id: UUID, copies: Sequence[UUID]
) -> None:
    """The table's rows of the organization, once for each copy."""
    named_by = "id" if table in ("organization", "organization_directory") else "organization_id"
    columns = [
        name
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped AND attgenerated = ''",
            [table],
        ).fetchall()
    ]
    held: dict[str, sql.Composable] = {name: sql.Identifier("kept", name) for name in columns}
    held[named_by] = sql.SQL("copy.id")
    if table == "organization":
        held["slug"] = sql.SQL("copy.id::text")
    connection.execute(
        sql.SQL(
            "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values}"
            " FROM {table} AS kept CROSS JOIN unnest(%s::uuid[]) AS copy (id)"
            " WHERE kept.{named_by} = %s"
        ).format(
            table=sql.Identifier(table),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(held[name] for name in columns),
            named_by=sql.Identifier(named_by),
        ),
        [list(copies), organization_id],
    )


def cpu_per(server: EmbeddedPostgres, count: int, work: Callable[[], None]) -> float:
    """Milliseconds of processor time for each of so many, of this process and of the server."""
    before = time.process_time() + cpu_of(server.pids)
    work()
    return 1000 * (time.process_time() + cpu_of(server.pids) - before) / count


def close(url: str, keys: Sequence[Key]) -> None:
    """The first period of each is closed, billed and final, done in groups as by a worker."""
    engine = create_application_engine(url)
    closing = SubscriptionActivities(Transactions(engine), lambda: datetime.now(UTC)).closing
    for place in range(0, len(keys), TOGETHER):
        references = [
            SubscriptionReference(organization_id=str(whose), subscription_id=str(one))
            for whose, one in keys[place : place + TOGETHER]
        ]
        due_at = datetime.now(UTC)
        requests = [request_of(one, due_at) for one in references]
        closing.perform(declarations.ROLL_PERIOD, requests)
        for step in declarations.BILL_STEPS:
            closing.perform(step, requests)
        drafted = closing.perform(declarations.ISSUE_INVOICE, requests)
        final = []
        for reference, state in zip(references, drafted, strict=True):
            assert isinstance(state, WorkflowState), state
            draft = next(entry for entry in state.agenda if entry.invoice_id)
            final.append(request_of(reference, draft.due_at, draft.invoice_id))
        closing.perform(declarations.FINALIZE_INVOICE, final)
    engine.dispose()


async def read_invoices(url: str) -> None:
    """Invoices with their lines, one after the other."""
    with psycopg.connect(url) as session:
        keys = session.execute("SELECT organization_id, id FROM invoice").fetchall()
    async with await reading(url) as connection:
        for place in range(READS):
            whose, one = keys[place % len(keys)]
            assert len(await INVOICES.run(connection, whose, [one])) == 1


async def list_subscriptions(url: str, organizations: Sequence[UUID]) -> None:
    """The first twenty subscriptions of organizations in turn, and how many each has."""
    async with await reading(url) as connection:
        for place in range(READS):
            whose = organizations[place % len(organizations)]
            await SUBSCRIPTION_PAGES.find(connection, whose, {}, offset=0, limit=20)


async def reading(url: str) -> AsyncConnection:
    """A connection as the API reads by."""
    connection = await connect(make_url(url))
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    return connection
