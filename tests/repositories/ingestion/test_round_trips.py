"""What a transaction of ingestion waits for: three answers of the server, and no plan."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.abc import PQGen
from psycopg.errors import DivisionByZero
from psycopg.pq import TransactionStatus
from psycopg.waiting import Wait

from models.catalog.meters import Meter
from repositories.asynchronous.connections import connect, plan_once
from repositories.statement_text import LongStatement
from repositories.transactions import transaction_of
from services.ingestion.batch import PartitionCache
from services.ingestion.event_input import EventReport
from services.ingestion.ingest import ingest
from services.ingestion.submissions import EventStatus, Submission
from tests.services.limited import add_customer
from tests.services.shop import NOW, Shop

REPORTS = 8


@pytest.fixture
async def connection(shop: Shop) -> AsyncIterator[AsyncConnection[Any]]:
    async with await connect(shop.transactions.address) as connection:
        await plan_once(connection, for_growth=True)
        yield connection


@pytest.fixture
def meter(shop: Shop) -> Meter:
    return shop.add_meter()


@pytest.fixture
async def report(
    shop: Shop, meter: Meter, connection: AsyncConnection[Any]
) -> Callable[[], Awaitable[None]]:
    """Stores an event; another was stored before it, which locks its meter and makes partitions."""
    customer, months = str(add_customer(shop).id), PartitionCache()

    async def report() -> None:
        row = EventReport(meter_id=str(meter.id), customer_id=customer, quantity=1)
        submission = Submission(organization_id=shop.organization_id, rows=[row])
        [[result]] = await ingest(connection, [submission], months=months, now=NOW)
        assert result.status is EventStatus.CREATED

    await report()
    return report


def count_answers(connection: AsyncConnection[Any], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever the connection waits for an answer from now on."""
    answers: list[int] = []
    wait = connection.wait

    def noting(gen: PQGen[Any]) -> PQGen[Any]:
        wanted = next_of(gen)
        has_waited = False
        while not isinstance(wanted, StopIteration):
            if wanted == Wait.R and not has_waited:
                has_waited = True
                answers.append(1)
            ready = yield wanted
            wanted = next_of(gen, ready)
        return wanted.value

    monkeypatch.setattr(connection, "wait", lambda gen, *_, **named: wait(noting(gen), **named))
    return answers


def next_of(gen: PQGen[Any], ready: Any = None) -> Any:
    try:
        return gen.send(ready)
    except StopIteration as end:
        return end


async def test_a_report_waits_for_the_server_three_times_at_most(
    report: Callable[[], Awaitable[None]],
    connection: AsyncConnection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = count_answers(connection, monkeypatch)

    await report()

    # Whom it names, whether it is stored; whether that is committed may be there at once.
    assert len(answers) in {2, 3}


async def test_no_statement_of_a_report_is_planned_again(
    report: Callable[[], Awaitable[None]], connection: AsyncConnection[Any]
) -> None:
    for _ in range(REPORTS):
        await report()

    cursor = await connection.execute(
        "SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements"
    )
    planned_once, planned_again = await cursor.fetchone() or (0, 0)
    assert planned_once > REPORTS
    assert planned_again == 0


@pytest.mark.parametrize("is_read", [True, False])
async def test_a_statement_that_fails_is_told_of_and_leaves_the_connection_idle(
    connection: AsyncConnection[Any], is_read: bool
) -> None:
    async def fail() -> None:
        async with transaction_of(connection, []):
            cursor = await connection.execute("SELECT 1 / 0")
            if is_read:
                await cursor.fetchone()

    with pytest.raises(DivisionByZero):
        await fail()

    assert connection.info.transaction_status is TransactionStatus.IDLE
    async with transaction_of(connection, []):
        cursor = await connection.execute("SELECT 1")
        assert await cursor.fetchone() == (1,)


def test_a_long_statement_numbers_its_parameters_by_their_first_places() -> None:
    statement = LongStatement.of("SELECT %(b)s,\n    -- twice\n    %(a)s, %(b)s")

    assert statement.text == "SELECT $1, $2, $1"
    assert statement.names == ("b", "a")
