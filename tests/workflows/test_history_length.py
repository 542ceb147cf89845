"""How many events a bill leaves in a real Temporal server, with steps that answer from memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from temporalio.common import RawValue
from temporalio.worker import Worker

from activities import declarations
from runtime.temporal import connect
from tests.workflows.record import until_settled
from tests.workflows.simulated.books import Books
from tests.workflows.simulated.facts import MONTH
from tests.workflows.simulated.simulator import INPUT, REQUESTS
from workflows.names import subscription_workflow_id
from workflows.subscription import SubscriptionWorkflow

ACTIONS = ("TIMER_STARTED", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES")
DEADLINE_SECONDS = 30


def steps_on(books: Books, is_final: asyncio.Event) -> Callable[..., object]:
    """Every step of the workflow, done to these books; the event says that a bill is final."""

    @activity.defn(dynamic=True)
    async def perform(arguments: Sequence[RawValue]) -> object:
        step = activity.info().activity_type
        [argument] = arguments
        request = activity.payload_converter().from_payload(argument.payload, REQUESTS[step])
        if step == declarations.FINALIZE_INVOICE.name:
            is_final.set()
        return books.perform(step, request, now=datetime.now(UTC))

    return perform


async def count_events(workflow: WorkflowHandle[SubscriptionWorkflow, None]) -> Counter[str]:
    """Of each kind of event, how many the history has."""
    history = await workflow.fetch_history()
    names = [EventType.Name(event.event_type) for event in history.events]
    return Counter(name.removeprefix("EVENT_TYPE_") for name in names)


async def bill(address: str, books: Books) -> Counter[str]:
    """The events that the first bill of these books adds."""
    client = await connect(address)
    queue, subscription_id, is_final = f"queue-{uuid4()}", str(uuid4()), asyncio.Event()
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[SubscriptionWorkflow],
        activities=[steps_on(books, is_final)],
    )
    async with worker, asyncio.timeout(DEADLINE_SECONDS):
        handle = await client.start_workflow(
            SubscriptionWorkflow.run,
            INPUT,
            id=subscription_workflow_id(subscription_id),
            task_queue=queue,
        )
        await until_settled(client, subscription_id)
        before = await count_events(handle)
        await is_final.wait()
        await until_settled(client, subscription_id)
        after = await count_events(handle)
        await handle.terminate()
    return after - before


@pytest.mark.parametrize(
    ("grace", "most_events", "most_actions"),
    [(timedelta(0), 14, 2), (timedelta(seconds=2), 20, 4)],
    ids=("without grace", "with grace"),
)
async def test_bill_leaves_few_events(
    temporal_address: str, grace: timedelta, most_events: int, most_actions: int
) -> None:
    starts_at = datetime.now(UTC) - MONTH + timedelta(seconds=6)

    events = await bill(temporal_address, Books(starts_at=starts_at, grace=grace))

    assert events["MARKER_RECORDED"] == 7
    assert events.total() <= most_events, events
    assert sum(events[name] for name in ACTIONS) <= most_actions
