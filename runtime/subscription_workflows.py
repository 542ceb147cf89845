"""Delivers wakes: starts a subscription's or an invoice's workflow, or wakes the one that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from runtime.payment_workflows import wake_payment_workflow
from services.operations.outbox import AnyMessage, CollectMessage, WakeMessage
from workflows.names import PAYMENT_WORKFLOW, SUBSCRIPTION_WORKFLOW, subscription_workflow_id
from workflows.subscription import (
    ACTIONS_PER_RUN,
    SubscriptionInput,
    SubscriptionWorkflow,
)

CONCURRENT_SENDS = 16


class Traces(Protocol):
    """Makes a span of a wake, below the one that it comes of."""

    def waking(self, traceparent: str | None, /) -> AbstractContextManager[object]:
        """A span, if the wake comes of one."""


class SubscriptionWorkflows:
    """Wakes workflows when the facts change, through one Temporal client."""

    def __init__(self, client: Client, *, task_queue: str, traces: Traces | None = None) -> None:
        self._client = client
        self._task_queue = task_queue
        self._traces = traces

    async def wake(self, message: WakeMessage) -> None:
        """The workflow runs and knows that the facts changed. Harmless to repeat.

        Signal-with-start: whichever workflow runs is woken, and if none does, one is started; one
        that has ended may be started again, because PostgreSQL says whether anything is left to do.
        """
        subscription_id = str(message.subscription_id)
        await self._client.start_workflow(
            SubscriptionWorkflow.run,
            SubscriptionInput(
                organization_id=str(message.organization_id),
                subscription_id=subscription_id,
                most_actions=ACTIONS_PER_RUN,
            ),
            id=subscription_workflow_id(subscription_id),
            task_queue=self._task_queue,
            start_signal="facts_changed",
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"Subscription {subscription_id}",
            static_details="Closes each billing period on time, once, in order.",
            rpc_timeout=timedelta(seconds=5),
        )

    async def wake_any(self, message: AnyMessage) -> None:
        """As :func:`wake`, of whatever the message is for."""
        with nullcontext() if self._traces is None else self._traces.waking(message.traceparent):
            match message:
                case CollectMessage():
                    await wake_payment_workflow(self._client, message, task_queue=self._task_queue)
                case WakeMessage():
                    await self.wake(message)

    async def wake_all(self, messages: Sequence[AnyMessage]) -> list[bool]:
        """Wake many at once, and say of each whether it was reached."""
        slots = asyncio.Semaphore(CONCURRENT_SENDS)

        async def attempt(message: AnyMessage) -> bool:
            async with slots:
                try:
                    await self.wake_any(message)
                except (RPCError, RuntimeError):
                    return False
                return True

        return list(await asyncio.gather(*map(attempt, messages)))

    async def find_running(self, organization_id: UUID) -> set[UUID]:
        """The organization's subscriptions and invoices whose workflows run, as the engine noted.

        A new workflow is noted when it first shows itself, within seconds. Raises RPCError.
        """
        query = (
            f"BillingOrg = '{organization_id}' AND ExecutionStatus = 'Running'"
            f" AND WorkflowType IN ('{SUBSCRIPTION_WORKFLOW}', '{PAYMENT_WORKFLOW}')"
        )
        return {
            UUID(execution.id.rpartition("/")[2])
            async for execution in self._client.list_workflows(query)
        }
