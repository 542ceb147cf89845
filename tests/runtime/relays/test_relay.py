"""Messages are delivered when they are queued, and none is lost that nobody was told of."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import Engine

from models.accounts.organizations import Organization
from models.base import new_id
from repositories.outbox import CHANNEL, WAKE_MESSAGE
from repositories.transactions import Transactions
from runtime import notifications as listening
from runtime.database.engine import create_application_engine
from runtime.notifications import Notifications
from runtime.relays import workflows as relaying
from runtime.relays.workflows import OutboxRelay
from services.operations.outbox import WakeMessage
from tests.servers import superuser_url

SOON = 0.5
"""Seconds, which is well under one."""


class Workflows:
    """The engine's place: notes who is woken, and when. It may be away for some attempts."""

    def __init__(self) -> None:
        self.woken: dict[UUID, datetime] = {}
        self.refusals = 0
        self._arrived: defaultdict[UUID, asyncio.Event] = defaultdict(asyncio.Event)

    async def are_woken(self, subscription_id: UUID, *, within: float) -> bool:
        """Whether the subscription's workflow is woken in time."""
        return await happens(self._arrived[subscription_id], within=within)

    async def wake_all(self, messages: Sequence[WakeMessage]) -> list[bool]:
        if self.refusals:
            self.refusals -= 1
            return [False] * len(messages)
        for one in messages:
            self.woken[one.subscription_id] = datetime.now(UTC)
            self._arrived[one.subscription_id].set()
        return [True] * len(messages)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = create_application_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def organization_id(engine: Engine) -> UUID:
    made = Organization(name="Shop", slug="shop", created_at=datetime.now(UTC))
    with Transactions(engine).for_organization(made.id) as session:
        session.add(made)
    return made.id


@pytest.fixture
def other(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Another process's connection, with nothing of ours about it."""
    with psycopg.connect(superuser_url(database_url), autocommit=True) as connection:
        yield connection


@pytest.fixture
def workflows() -> Workflows:
    return Workflows()


@pytest.fixture
async def running(engine: Engine, workflows: Workflows) -> AsyncIterator[None]:
    """A relay that has looked once, found nothing and rests."""
    transactions = Transactions(engine)
    relay = OutboxRelay(transactions, workflows)  # type: ignore[arg-type]  # in its place
    notifications = Notifications(transactions.address, {CHANNEL: relay.hear}, missed=relay.look)
    tasks = [asyncio.create_task(one.run()) for one in (relay, notifications)]
    await asyncio.sleep(SOON)
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def queue(connection: psycopg.Connection[Any], organization_id: UUID, *, due_in: float = 0) -> UUID:
    """The subscription of a message that was queued."""
    subscription_id, now = new_id(), datetime.now(UTC)
    connection.execute(
        "INSERT INTO outbox_message (organization_id, id, kind, key, payload, created_at,"
        " available_at, attempts) VALUES (%s, %s, %s, %s, %s, %s, %s, 0)",
        (
            organization_id,
            new_id(),
            WAKE_MESSAGE,
            str(new_id()),
            Jsonb({"subscription_id": str(subscription_id)}),
            now,
            now + timedelta(seconds=due_in),
        ),
    )
    return subscription_id


async def happens(event: asyncio.Event, *, within: float) -> bool:
    """Whether the event comes in time."""
    try:
        async with asyncio.timeout(within):
            return await event.wait()
    except TimeoutError:
        return False


@pytest.mark.usefixtures("running")
async def test_message_of_another_process_is_delivered_at_once(
    workflows: Workflows, other: psycopg.Connection[Any], organization_id: UUID
) -> None:
    for _ in range(3):
        queued = queue(other, organization_id)

        assert await workflows.are_woken(queued, within=SOON)


@pytest.mark.usefixtures("running")
async def test_message_is_delivered_after_its_commit_and_not_before(
    workflows: Workflows, other: psycopg.Connection[Any], organization_id: UUID
) -> None:
    with other.transaction():
        queued = queue(other, organization_id)
        assert not await workflows.are_woken(queued, within=SOON)

    assert await workflows.are_woken(queued, within=SOON)


@pytest.mark.usefixtures("running")
async def test_message_queued_while_nobody_listens_is_delivered_when_somebody_does_again(
    workflows: Workflows, other: psycopg.Connection[Any], organization_id: UUID
) -> None:
    for _ in range(2):
        ended = other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            (listening.NAME,),
        ).fetchall()
        assert ended == [(True,)]
        queued = queue(other, organization_id)

        assert await workflows.are_woken(queued, within=2.0)

        again = queue(other, organization_id)
        assert await workflows.are_woken(again, within=SOON)


async def test_connection_that_is_not_told_any_more_asks_again(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, other: psycopg.Connection[Any]
) -> None:
    monkeypatch.setattr(listening, "AGAIN_SECONDS", 0.3)
    heard, asked_again = asyncio.Event(), asyncio.Event()
    # Told that it is told of nothing, as a pool of connections does between two clients.
    forgetful = Notifications(
        Transactions(engine).address,
        {CHANNEL: lambda _: heard.set()},
        missed=lambda: None,
    )
    listen = forgetful._listen
    in_vain = [True]

    async def listen_once_in_vain(connection: psycopg.AsyncConnection) -> None:
        await listen(connection)
        if in_vain:
            await connection.execute("UNLISTEN *")
            in_vain.clear()
        else:
            asked_again.set()

    monkeypatch.setattr(forgetful, "_listen", listen_once_in_vain)
    task = asyncio.create_task(forgetful.run())
    assert await happens(asked_again, within=2.0)

    other.execute("SELECT pg_notify(%s, 'kind')", (CHANNEL,))

    assert await happens(heard, within=SOON)
    task.cancel()


async def test_message_that_nobody_was_told_of_waits_for_the_next_sweep(
    monkeypatch: pytest.MonkeyPatch,
    engine: Engine,
    workflows: Workflows,
    other: psycopg.Connection[Any],
    organization_id: UUID,
) -> None:
    monkeypatch.setattr(relaying, "SWEEP_SECONDS", 0.3)
    deaf = OutboxRelay(Transactions(engine), workflows)  # type: ignore[arg-type]  # in its place
    task = asyncio.create_task(deaf.run())
    await asyncio.sleep(0.1)

    queued = queue(other, organization_id)

    assert await workflows.are_woken(queued, within=1.0)
    task.cancel()


@pytest.mark.usefixtures("running")
async def test_message_due_later_is_delivered_at_its_time(
    workflows: Workflows, other: psycopg.Connection[Any], organization_id: UUID
) -> None:
    now = datetime.now(UTC)
    queued = queue(other, organization_id, due_in=1.2)

    assert await workflows.are_woken(queued, within=1.2 + SOON)

    assert (workflows.woken[queued] - now).total_seconds() >= 1.2


@pytest.mark.usefixtures("running")
async def test_message_that_did_not_arrive_is_tried_again_when_it_is_due(
    workflows: Workflows, other: psycopg.Connection[Any], organization_id: UUID
) -> None:
    workflows.refusals = 1
    now = datetime.now(UTC)
    queued = queue(other, organization_id)

    assert await workflows.are_woken(queued, within=1.0 + SOON)

    assert (workflows.woken[queued] - now).total_seconds() >= 1.0


@pytest.mark.usefixtures("running")
async def test_message_of_a_relay_that_died_is_delivered_by_another(
    workflows: Workflows, other: psycopg.Connection[Any], organization_id: UUID, database_url: str
) -> None:
    with psycopg.connect(superuser_url(database_url)) as dying:
        queued = queue(other, organization_id, due_in=0.3)
        assert len(dying.execute("SELECT id FROM outbox_message FOR UPDATE").fetchall()) == 1
        assert not await workflows.are_woken(queued, within=0.3 + SOON)
        dying.rollback()

    assert await workflows.are_woken(queued, within=relaying.HELD_SECONDS + SOON)
