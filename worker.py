"""The worker's composition root: workflows of subscriptions, their steps, and the outbox relay.

Run it as ``python worker.py``; ``fluxrate worker`` runs as many of it as the load asks for.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from activities import declarations
from activities.charges import Gateways
from activities.coverage import CoverageActivities
from activities.payments import PaymentActivities
from activities.subscriptions import SubscriptionActivities
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.exit import leave
from runtime.measuring.counters import BillingCounters
from runtime.measuring.files import find_counters_directory
from runtime.measuring.queue_latencies import QueueLatencies
from runtime.measuring.server import serve_metrics
from runtime.observability.switch import (
    Traces,
    begin_traces,
    carried_of,
    deliveries_of,
    end_traces,
    interceptors_of,
)
from runtime.payment_gateways import DisconnectedGateways, connect_gateways, install_gateways
from runtime.processes.interpreter import OF_WORKFLOWS, relax_garbage_collection
from runtime.processes.priority import BILLING_NICENESS, lower_priority
from runtime.relays.together import notifications_for, relays_of
from runtime.schedules import ensure_coverage_check
from runtime.sealing import carried_by
from runtime.settings import Settings
from runtime.subscription_workflows import SubscriptionWorkflows
from runtime.telemetry import configure_logging
from runtime.temporal import connect_by
from runtime.workflow_runner import ForgettingWorkflowRunner
from services.audit_log import ACTOR, WORKFLOW
from services.rating.alerts.looking import look_at_moved_credit
from workflows.coverage import CoverageWorkflow
from workflows.payment import PaymentWorkflow
from workflows.subscription import SubscriptionWorkflow

log = structlog.get_logger(__name__)


def now() -> datetime:
    """The wall clock, read at this edge and handed down."""
    return datetime.now(UTC)


def build_worker(
    client: Client,
    transactions: Transactions,
    settings: Settings,
    executor: ThreadPoolExecutor,
    *,
    gateways: Gateways | None = None,
    counters: BillingCounters | None = None,
) -> Worker:
    """A worker of bounded slots, so that a wave of closes queues instead of stalling.

    Every workflow task may hold a database step. Those that wait for a group need no thread, the
    others wait for one of the executor's; each thread has a connection.
    """
    payments = PaymentActivities(transactions, gateways or DisconnectedGateways(), now)
    activities = SubscriptionActivities(
        transactions, now, executor, None if counters is None else counters.count_close
    )
    workflows = SubscriptionWorkflows(client, task_queue=settings.task_queue)
    coverage = CoverageActivities(transactions, workflows.find_running, now)
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=[SubscriptionWorkflow, PaymentWorkflow, CoverageWorkflow],
        activities=[
            *workflow_steps(activities),
            *payment_steps(payments),
            coverage.check_coverage,
        ],
        activity_executor=executor,
        workflow_runner=_runner(settings),
        max_cached_workflows=settings.worker_cached_workflows,
        max_concurrent_workflow_tasks=settings.worker_workflow_task_slots,
        max_concurrent_local_activities=settings.worker_workflow_task_slots,
        # Nothing is stored elsewhere; where several may be at a time, each payload has a task.
        max_workflow_task_external_storage_concurrency=1,
        graceful_shutdown_timeout=timedelta(seconds=20),
    )


def workflow_steps(activities: SubscriptionActivities) -> list[Callable[..., Any]]:
    """Every step that a subscription's workflow may take."""
    return [
        getattr(activities.closing if step in declarations.CLOSING_STEPS else activities, step.name)
        for step in declarations.STEPS
    ]


def payment_steps(activities: PaymentActivities) -> list[Callable[..., Any]]:
    """Every step that a payment workflow may take."""
    return [getattr(activities, step.name) for step in declarations.COLLECTION_STEPS]


async def run(settings: Settings, registry: CollectorRegistry | None = None) -> None:
    """Work until SIGTERM or SIGINT; steps that run finish, or are repeated by another worker.

    What is counted is in the registry, or in shared files where it is one of several processes.
    """
    database_url, temporal_address = _require_servers(settings)
    stop = _heed_signals()
    engine = create_application_engine(database_url, pool_size=settings.worker_activity_slots + 4)
    traces = begin_traces(settings, "worker")
    carried = carried_by(settings) | carried_of(traces) | {ACTOR: WORKFLOW}
    transactions = Transactions(engine, carried, before_commit=look_at_moved_credit)
    counters = BillingCounters(registry)
    counters.count_worker_start()
    latencies = QueueLatencies(
        counters.observe_queue, is_measured=settings.worker_metrics is not None
    )
    client = await connect_by(
        settings,
        temporal_address,
        runtime=latencies.runtime,
        interceptors=interceptors_of(traces, engine, transactions),
    )
    workflows = SubscriptionWorkflows(client, task_queue=settings.task_queue, traces=traces)
    await ensure_coverage_check(client, task_queue=settings.task_queue)
    installed = install_gateways(engine, settings, now=now)
    relays = relays_of(
        transactions, workflows, settings, installed, counters, around=deliveries_of(traces)
    )
    notifications = notifications_for(relays, transactions.address)
    runs = [notifications.run(), latencies.run(), *(one.run() for one in relays)]
    tasks = [asyncio.create_task(run) for run in runs]
    with ThreadPoolExecutor(max_workers=settings.worker_activity_slots) as executor:
        async with build_worker(
            client,
            transactions,
            settings,
            executor,
            gateways=connect_gateways(settings, installed),
            counters=counters,
        ):
            log.info("worker_ready", task_queue=settings.task_queue)
            await stop.wait()
            log.info("worker_stopping")
    await _end(tasks, engine, traces)


async def _end(tasks: Sequence[asyncio.Task[None]], engine: Engine, traces: Traces | None) -> None:
    """Nothing is left open, and no span unsent."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    engine.dispose()
    end_traces(traces)


def _require_servers(settings: Settings) -> tuple[str, str]:
    if settings.database_url and settings.temporal_address:
        return settings.database_url, settings.temporal_address
    raise SystemExit("A worker needs DATABASE_URL and TEMPORAL_ADDRESS; `fluxrate up` sets both.")


def _heed_signals() -> asyncio.Event:
    """What is set when this process is asked to end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _runner(settings: Settings) -> WorkflowRunner:
    return SandboxedWorkflowRunner() if settings.workflow_sandbox else ForgettingWorkflowRunner()


def main() -> NoReturn:
    """Run with the settings of the environment, and leave."""
    settings = Settings()
    configure_logging("worker", level=settings.log_level)
    lower_priority(BILLING_NICENESS)
    relax_garbage_collection(OF_WORKFLOWS)
    if find_counters_directory() is None and settings.worker_metrics is not None:
        registry = CollectorRegistry()
        token = settings.shown_operator_token
        with serve_metrics(settings.worker_metrics, registry, token=token):
            asyncio.run(run(settings, registry))
    else:
        asyncio.run(run(settings))
    leave(0)


if __name__ == "__main__":
    main()
