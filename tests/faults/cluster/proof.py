"""The demo and a wave on a cluster, of which parts are killed; then everything is compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from fluxrate_client import Fluxrate, Retries
from httpx2 import Client
from rich.console import Console

from cli.demo.command import Story, sell, sign_up
from cli.demo.sales import PAY_AS_YOU_GO
from deploy.cluster.site import Site
from tests.faults.cluster.spoiled import find_blind_spots
from tests.faults.cluster.verdicts import count_billed, find_differences
from tests.faults.cluster.wave import Wave, sell_wave, usage_going_on

WAVE_SECONDS: Final = 1800.0
REQUEST_SECONDS: Final = 60
PATIENT: Final = Retries(attempts=40, longest_pause=4.0)

KILLS: Final = (
    (0.10, "history-1"),
    (0.25, "worker-0"),
    (0.40, "api-0"),
    (0.55, "history-2"),
    (0.65, "worker-1"),
    (0.75, "api-1"),
    (0.80, "matching-3"),
    (0.85, "frontend-0"),
)
"""Who dies once so much of the wave is billed: each of the pairs, and what there is one of."""

Show = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done, how long it took, who was killed, and everything that is not as it must be."""

    count: int
    demo_total: str
    seconds: dict[str, float]
    bills_a_second: float
    kills: dict[str, float]
    """The share of the wave that was billed when each died."""
    longest_pause_seconds: float
    """In which nobody was billed."""
    restarts: dict[str, int]
    connections: dict[int, int]
    events: int
    checks: dict[str, str]
    differences: list[str]

    def to_document(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def prove(count: int, show: Show, console: Console) -> Report:
    """The report of a wave of so many, on a cluster of its own that is gone afterwards."""
    began = time.monotonic()
    seconds: dict[str, float] = {}

    def took(step: str) -> None:
        seconds[step] = round(time.monotonic() - began - sum(seconds.values()), 1)

    site = Site()
    with ExitStack() as stack:
        stack.callback(site.stop)
        site.start(lambda words: show(0, count, words))
        took("start")
        client, backend = open_clients(stack, site)
        sell(Story(console), client, backend, PAY_AS_YOU_GO)
        took("demo")
        wave = sell_wave(backend, count, lambda done: show(done, count, "subscribed"))
        wait_until_end_of(wave, show)
        took("preparation")
        with usage_going_on(backend, wave) as taken:
            closing = kill_while_it_closes(site, wave, show)
            took("wave")
        site.wait_until_ready()
        differences, checks = find_differences(site, client, wave, live=taken())
        differences += [f"{name} was not killed" for _, name in KILLS if name not in closing.kills]
        differences += find_blind_spots(site, wave, live=taken())
        took("comparison")
        return Report(
            count=count,
            demo_total=str(PAY_AS_YOU_GO.total),
            seconds=seconds,
            bills_a_second=round(count / seconds["wave"], 1),
            kills=closing.kills,
            longest_pause_seconds=round(closing.longest_pause_seconds, 1),
            restarts=dict(site.supervision.restarts),
            connections=dict(site.address.taken),
            events=taken(),
            checks=checks,
            differences=differences,
        )


def open_clients(stack: ExitStack, site: Site) -> tuple[Fluxrate, Fluxrate]:
    """Somebody who signed up, and their backend with a key for everything that keys may.

    Both know the installation's one address alone.
    """
    https = [Client(timeout=REQUEST_SECONDS, trust_env=False) for _ in range(2)]
    for http in https:
        stack.callback(http.close)
    client = Fluxrate(site.address.url, http=https[0], retries=PATIENT)
    sign_up(client)
    # They are for https, and the proxy that has the certificate is left out here.
    for cookie in https[0].cookies.jar:
        cookie.secure = False
    client.organization.update(grace_period_minutes=0)
    key = client.api_keys.create(name="Backend", scopes=["usage.write", "billing.write"]).key
    return client, Fluxrate(site.address.url, api_key=key, http=https[1], retries=PATIENT)


def wait_until_end_of(wave: Wave, show: Show) -> None:
    """The wave's period is over from here on."""
    while (left := (wave.ends_at - datetime.now(UTC)).total_seconds()) > 0:
        show(0, wave.count, f"their period ends in {left:.0f} s")
        time.sleep(min(left, 1.0))


@dataclass(slots=True)
class Closing:
    """How a wave goes: who died when, and the longest time in which nobody was billed."""

    kills: dict[str, float] = field(default_factory=dict)
    longest_pause_seconds: float = 0
    billed: int = 0
    billed_at: float = field(default_factory=time.monotonic)

    def count(self, billed: int) -> None:
        """So many are billed by now."""
        now = time.monotonic()
        self.longest_pause_seconds = max(self.longest_pause_seconds, now - self.billed_at)
        if billed > self.billed:
            self.billed, self.billed_at = billed, now


def kill_while_it_closes(site: Site, wave: Wave, show: Show) -> Closing:
    """All are billed, or half an hour is over."""
    due, closing = list(KILLS), Closing()
    deadline = time.monotonic() + WAVE_SECONDS
    with psycopg.connect(site.postgres.url("fluxrate"), autocommit=True) as connection:
        while closing.billed < wave.count and time.monotonic() < deadline:
            closing.count(count_billed(connection, wave))
            share = closing.billed / wave.count
            if due and share >= due[0][0]:
                _, name = due.pop(0)
                site.kill(name)
                closing.kills[name] = round(share, 2)
            killed = ", ".join(closing.kills) or "nobody yet"
            show(closing.billed, wave.count, f"billed, killed: {killed}")
            time.sleep(0.1)
    show(closing.billed, wave.count, "billed\n")
    return closing
