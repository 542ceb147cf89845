"""Subscriptions that all live the same life, each on a queue of its own, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from itertools import product as combinations
from typing import Any
from uuid import UUID, uuid4

from temporalio.worker import Worker

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.settings import Settings
from runtime.subscription_workflows import SubscriptionWorkflows
from runtime.temporal import connect
from services.operations.outbox import WakeMessage
from tests.faults.steps.crashes import Crash, FailingTransactions, Moment
from tests.scenarios.account import Account
from worker import build_worker

NOBODY = "127.0.0.1:9"
"""Temporal's address for the API: it is away, so that nothing but the test wakes the workflows."""

CLOSE_STEPS = (
    "roll_period",
    "query_usage",
    "aggregate_usage",
    "price_usage",
    "enforce_limits",
    "issue_invoice",
    "finalize_invoice",
)
STEPS = (
    *CLOSE_STEPS,
    "read_agenda",
    "end_trial",
    "resume_subscription",
    "mark_past_due",
    "record_progress",
)

UNDISTURBED = "undisturbed"
UNDISTURBED_PAUSED = "undisturbed, paused"


def crashes_at(steps: Sequence[str], moments: Sequence[Moment]) -> list[Crash]:
    """Each step at one of the moments in turn; under ``make chaos`` every step at every moment."""
    if os.environ.get("FLUXRATE_CHAOS"):
        pairs = list(combinations(STEPS, Moment))
    else:
        pairs = list(zip(steps, cycle(moments), strict=False))
    return [Crash(step=step, moment=moment) for step, moment in pairs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One subscription and what happens to its worker."""

    name: str
    crash: Crash | None
    is_paused: bool
    task_queue: str
    clock: dict[str, Any]
    subscription: dict[str, Any]


class Workers:
    """Workflows are woken and served by this thread, each on its own queue."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        assert settings.database_url
        self._engine = create_application_engine(settings.database_url, pool_size=10)
        self._executor = ThreadPoolExecutor(max_workers=8)
        assert settings.temporal_address
        self._client = self._do(connect(settings.temporal_address))
        self._running: list[Worker] = []
        self._failing: list[FailingTransactions] = []

    def wake_all(self, account: Account, variants: list[Variant]) -> None:
        """The workflows know that the facts changed."""
        for variant in variants:
            self._tell(account, variant)

    def _tell(self, account: Account, variant: Variant) -> None:
        workflows = SubscriptionWorkflows(self._client, task_queue=variant.task_queue)
        message = WakeMessage(
            organization_id=UUID(account.organization["id"]),
            subscription_id=UUID(variant.subscription["id"]),
        )
        self._do(workflows.wake(message))

    def serve(self, variants: list[Variant], harm: Callable[[], None] | None = None) -> None:
        """A worker for each variant; with ``harm`` it is done once, where the variant says."""
        for variant in variants:
            transactions = Transactions(self._engine)
            if variant.crash is not None and harm is not None:
                transactions = FailingTransactions(self._engine, variant.crash, harm)
                self._failing.append(transactions)
            settings = self.settings.model_copy(update={"task_queue": variant.task_queue})
            worker = build_worker(self._client, transactions, settings, self._executor)
            self._do(worker.__aenter__())
            self._running.append(worker)

    @property
    def struck(self) -> int:
        """How often harm was done."""
        return sum(one.has_struck for one in self._failing)

    def stop(self) -> None:
        """Nobody is served any more."""

        async def leave_all() -> None:
            await asyncio.gather(*(one.__aexit__(None, None, None) for one in self._running))

        self._do(leave_all())
        self._running.clear()

    def end(self) -> None:
        """Everything is closed."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._executor.shutdown()
        self._engine.dispose()

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


def let_workers_die(variants: list[Variant], settings: Settings, tell: Callable[[], None]) -> None:
    """A worker of its own for each variant, until the last of them has killed itself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.steps.crashing_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    asked = [
        {
            "database_url": settings.database_url,
            "temporal_address": settings.temporal_address,
            "task_queue": variant.task_queue,
            "step": variant.crash.step,
            "moment": variant.crash.moment,
        }
        for variant in variants
        if variant.crash is not None
    ]
    assert process.stdin
    assert process.stdout
    process.stdin.write("".join(f"{json.dumps(one)}\n" for one in asked))
    process.stdin.close()
    tell()
    died = dict(line.split()[1:] for line in process.stdout if line.startswith("died "))
    process.wait(30)
    assert died == {one["task_queue"]: "-9" for one in asked}


def create_plan(account: Account) -> dict[str, Any]:
    """A plan of a dollar a call."""
    feature = account.create_meter()
    plan = account.create_plan()
    account.add_usage_charge(plan, feature["meter_id"], unit_price=1)
    return plan


def make_undisturbed(account: Account, plan: dict[str, Any]) -> list[Variant]:
    """The two lives that all others are compared with."""
    names = (UNDISTURBED, UNDISTURBED_PAUSED)
    return [make_variant(account, plan, name, None) for name in names]


def make_disturbed(
    account: Account, plan: dict[str, Any], harm: str, crashes: Sequence[Crash]
) -> list[Variant]:
    """A life for each crash."""
    return [make_variant(account, plan, f"{harm} {one.moment} {one.step}", one) for one in crashes]


def make_variant(account: Account, plan: dict[str, Any], name: str, crash: Crash | None) -> Variant:
    """Somebody who used the product on 16 January, after a trial or before a pause."""
    external_id = name.replace(" ", "-")
    is_paused = name == UNDISTURBED_PAUSED or "resume" in name
    clock = account.create_clock("2025-01-20T00:00:00Z")
    customer = account.create_customer(external_id, clock)
    options = {} if is_paused else {"trial_end_date": "2025-01-15T00:00:00Z"}
    subscription = account.subscribe(customer, plan, **options)
    account.track("api_calls", external_id, 12, "2025-01-16T00:00:00Z")
    if is_paused:
        path = f"/subscriptions/{subscription['id']}/pause"
        account.post(path, {"resume_at": "2025-01-25T00:00:00Z"})
    account.post(
        f"/test-clocks/{clock['id']}/advance", {"frozen_time": "2025-03-20T00:00:00Z"}, expect=202
    )
    return Variant(
        name=name,
        crash=crash,
        is_paused=is_paused,
        task_queue=f"crash-{uuid4()}",
        clock=clock,
        subscription=subscription,
    )


def story(account: Account, variant: Variant) -> list[tuple[Any, ...]]:
    """What was billed to the subscription, and what happened to it, in order."""
    invoices = account.invoices(variant.subscription)
    timeline = account.get(f"/subscriptions/{variant.subscription['id']}/timeline")
    billed = [(one["period_start"], one["total"], one["status"]) for one in invoices]
    past = [(one["at"], one["action"], one["period_index"]) for one in timeline["past"]]
    return billed + past


def check_lives(account: Account, variants: Sequence[Variant]) -> None:
    """All ended as the undisturbed ones did, and their invoices are numbered without a gap."""
    for variant in variants:
        account.wait_for_clock(variant.clock)
    stories = {variant.name: story(account, variant) for variant in variants}
    wrong = {
        variant.name: stories[variant.name]
        for variant in variants
        if stories[variant.name]
        != stories[UNDISTURBED_PAUSED if variant.is_paused else UNDISTURBED]
    }
    assert wrong == {}
    assert stories[UNDISTURBED][:2] == [
        ("2025-01-15T00:00:00Z", 12, "OPEN"),
        ("2025-02-15T00:00:00Z", 0, "PAID"),
    ]
    numbers = [
        invoice["invoice_number"]
        for variant in variants
        for invoice in account.invoices(variant.subscription)
    ]
    assert sorted(numbers) == [f"INV-2025-{number:04d}" for number in range(1, len(numbers) + 1)]
