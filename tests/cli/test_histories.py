"""The doctor reads what runs by the keys that it is given, and asks the collector of traces."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from cli.keeping.findings import State
from cli.keeping.histories import look_at_collector, look_at_histories
from runtime.embedded.processes import choose_port
from runtime.temporal import connect, register_namespace
from tests.observability.collector import collecting

FIRST, SECOND = "f" * 31 + "1", "s" * 31 + "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a workflow is told."""

    word: str


@pytest.fixture
async def namespace(temporal_address: str) -> str:
    """One of our own, in which nothing runs."""
    name = f"histories-{uuid4()}"
    await register_namespace(await connect(temporal_address, name))
    return name


async def begin(address: str, namespace: str, *keys: str) -> Client:
    """A workflow waits there, which was told something by a process with these keys."""
    client = await connect(address, namespace, codec_keys=keys)
    for _ in range(20):
        try:
            await client.start_workflow(
                "Waiting", Told(word="hello"), id=f"waiting/{uuid4()}", task_queue="nobody"
            )
        except RPCError:
            await asyncio.sleep(1)
        else:
            break
    return client


async def running(client: Client, count: int) -> None:
    """So many are listed, which takes the server a moment."""
    for _ in range(300):
        if (await client.count_workflows('ExecutionStatus = "Running"')).count >= count:
            return
        await asyncio.sleep(0.2)
    pytest.fail("they are not listed")


async def test_histories_are_read_by_the_keys_that_sealed_them(
    temporal_address: str, namespace: str
) -> None:
    await begin(temporal_address, namespace)
    await begin(temporal_address, namespace, FIRST)
    client = await begin(temporal_address, namespace, SECOND, FIRST)
    await running(client, 3)

    whole = await look_at_histories(client, [SECOND, FIRST])
    part = await look_at_histories(client, [SECOND])
    nothing = await look_at_histories(client, [])

    assert (whole.state, whole.seen) == (
        State.GOOD,
        "3 of what runs can be read, 2 of them were sealed",
    )
    assert part.state is State.WRONG
    assert part.seen.startswith("1 of 3 are sealed by keys that are not here (id ")
    assert "FLUXRATE_TEMPORAL_CODEC_KEYS" in part.remedy
    assert nothing.seen.startswith("2 of 3 are sealed")


def test_a_collector_that_answers_is_told_from_one_that_does_not() -> None:
    with collecting() as collector:
        assert look_at_collector(collector.url).state is State.GOOD
        assert collector.spans() == []
    silent = look_at_collector(f"http://127.0.0.1:{choose_port()}")

    assert silent.state is State.WRONG
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in silent.remedy
