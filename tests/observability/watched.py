"""An installation that runs for real, and what Prometheus would have seen of it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2
import psycopg
from prometheus_client.parser import text_string_to_metric_families

from api.reads.measures_cache import CACHED_SECONDS
from runtime.embedded.processes import choose_port, wait_until
from runtime.settings import Settings
from runtime.temporal import connect
from tests.cli.running import RunningInstance
from tests.observability.promtool import firing
from tests.scenarios.account import Account
from tests.servers import superuser_url
from workflows.names import coverage_check_id

Scrape = Mapping[str, float]

BEFORE: Final = 300
"""Minutes before the first scrape, so that no instant of the tests is before Prometheus' first."""

CHECKED: Final = 'fluxrate_check_timestamp_seconds{check="coverage"}'
MISSING: Final = 'fluxrate_coverage_findings{job="api",kind="missing_owner"}'
PATIENCE_SECONDS: Final = 240


@dataclass(slots=True)
class Watched:
    """``fluxrate up``, with what it takes to watch it and to break it."""

    running: RunningInstance
    port: int = field(default_factory=choose_port)
    account: Account | None = None
    began: float = 0.0
    looked: float = 0.0
    """The monotonic second of the last look."""

    def start(self) -> Watched:
        """It runs, shows its metrics, and has an organization."""
        os.environ["FLUXRATE_WORKER_METRICS"] = f"127.0.0.1:{self.port}"
        os.environ["FLUXRATE_ALLOW_PRIVATE_WEBHOOKS"] = "true"
        try:
            self.running.up()
        finally:
            del os.environ["FLUXRATE_WORKER_METRICS"], os.environ["FLUXRATE_ALLOW_PRIVATE_WEBHOOKS"]
        self.account = Account(self.url).sign_up()
        shown = 'fluxrate_worker_starts_total{job="worker"}'
        assert wait_until(lambda: shown in self.scrape(), timeout_seconds=PATIENCE_SECONDS)
        self.began = time.time()
        return self

    @property
    def url(self) -> str:
        """Where the API answers."""
        return self.running.addresses.api_url.removesuffix("/api/v1")

    def scrape(self) -> Scrape:
        """Every series that API and worker show; what does not answer is missing.

        Never behind the look before: each process of the API shows for some seconds what it read
        of the database, and any of them may answer. Prometheus looks seldom enough.
        """
        time.sleep(max(0.0, self.looked + CACHED_SECONDS + 0.1 - time.monotonic()))
        shown: dict[str, float] = {}
        # The worker's first: what both count is there once.
        for name, url in (("worker", f"http://127.0.0.1:{self.port}"), ("api", self.url)):
            shown |= metrics_at(url, name)
        self.looked = time.monotonic()
        return shown

    def until(self, series: str, least: float) -> Scrape:
        """What is shown once a series is so high."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (shown := self.scrape()).get(_at(series), -1.0) < least:
            assert time.monotonic() < deadline, {
                name: figure for name, figure in shown.items() if name.startswith(series[:20])
            }
            time.sleep(1)
        return shown

    def check(self) -> Scrape:
        """What is shown after the hourly check was done now, from its beginning."""
        return self.until(CHECKED, asyncio.run(self._trigger_check()))

    async def _trigger_check(self) -> float:
        """An hourly check has begun; gives an instant before, in seconds since 1970.

        Asked for again until one has: beside one of the schedule's own Temporal begins none.
        """
        client = await connect(self.running.addresses.temporal_address)
        queue = Settings.model_fields["task_queue"].default
        schedule = client.get_schedule_handle(coverage_check_id(queue))
        deadline = time.monotonic() + PATIENCE_SECONDS
        # One that is under way may have passed what it is to find, and another is not begun beside.
        while (before := (await schedule.describe()).info).running_actions:
            assert time.monotonic() < deadline, "the hourly check does not end"
            await asyncio.sleep(0.5)
        asked_at = time.time()
        # What the schedule began since is as good: it sees all that was there before the call.
        while (await schedule.describe()).info.num_actions == before.num_actions:
            assert time.monotonic() < deadline, "the hourly check does not begin"
            await schedule.trigger()
            await asyncio.sleep(1)
        return asked_at

    def check_until(self, holds: Callable[[Scrape], bool]) -> Scrape:
        """What is shown after the first check that finds it so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds(shown := self.check()):
            assert time.monotonic() < deadline, findings_in(shown)
        return shown

    def lose_workflows(self) -> Scrape:
        """What is shown after a check that found workflows missing, which Temporal has lost."""

        def is_missed(shown: Scrape) -> bool:
            if shown[MISSING] > 0:
                return True
            # What is a minute old may do without one, Temporal lists for a moment what has ended,
            # and what was about to be woken runs by now.
            self.terminate_workflows()
            return False

        self.terminate_workflows()
        return self.check_until(is_missed)

    def execute(self, statement: str) -> int:
        """Change rows behind the product's back; how many."""
        address = superuser_url(self.running.addresses.database_url)
        with psycopg.connect(address, autocommit=True) as connection:
            return connection.execute(statement.encode()).rowcount

    def terminate_workflows(self) -> None:
        """Temporal has lost every workflow of a subscription."""

        async def terminate() -> None:
            client = await connect(self.running.addresses.temporal_address)
            async for one in client.list_workflows('WorkflowType="SubscriptionWorkflow"'):
                with suppress(Exception):  # it has ended by itself
                    await client.get_workflow_handle(one.id).terminate()

        asyncio.run(terminate())

    @contextmanager
    def stopped(self, process: str) -> Iterator[None]:
        """Within this, a process and its children do nothing, and answer nobody."""
        pids = _family(self.running.instance.running()[process])
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def fires(self, scrapes: Sequence[Scrape], *, after: int, folder: Path) -> set[str]:
        """Which alerts fire so many minutes after these scrapes, which stand for a minute each."""
        names = {name for one in scrapes for name in one}
        series = {name: self._values(name, scrapes, after) for name in names}
        return firing(series, minutes=BEFORE + len(scrapes) + after, folder=folder)

    def _values(self, name: str, scrapes: Sequence[Scrape], after: int) -> str:
        words = [self._value(name, one[name]) if name in one else "_" for one in scrapes]
        rest = f"_x{after}" if words[-1] == "_" else f"{words[-1]}+0x{after}"
        return " ".join([f"_x{BEFORE}", *words[:-1], rest])

    def _value(self, name: str, figure: float) -> str:
        # Prometheus' tests begin at 1970; an instant is moved along with them.
        if "timestamp_seconds" in name and figure > 0:
            figure = figure - self.began + BEFORE * 60
        return repr(figure)


def findings_in(shown: Scrape) -> Scrape:
    """What the newest check found, of each kind of which it found anything."""
    return {
        name: figure
        for name, figure in shown.items()
        if name.startswith("fluxrate_coverage_findings") and figure > 0
    }


def metrics_at(url: str, job: str) -> Scrape:
    """Every series that a process shows; none if it does not answer."""
    with suppress(httpx2.HTTPError):
        return _series_in(httpx2.get(f"{url}/metrics", timeout=20, trust_env=False).text, job)
    return {}


def _at(series: str) -> str:
    name, _, labels = series.partition("{")
    return f'{name}{{job="api"{"," if labels else "}"}{labels}'


def _series_in(text: str, job: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("fluxrate_") and not sample.name.endswith("_created"):
                labels = {"job": job, **sample.labels}
                words = ",".join(f'{name}="{value}"' for name, value in labels.items())
                found[f"{sample.name}{{{words}}}"] = sample.value
    return found


def _family(pid: int) -> list[int]:
    """A process and all that it started, itself first."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]
