"""Lives worth keeping: each leads one subscription, through the REST API, to a kind of history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.scenarios.account import Account
from tests.scenarios.seller import wait_for
from tests.servers import superuser_url

Subscription = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An organization of its own, and the database below it."""

    account: Account
    database_url: str
    settle: Callable[[Subscription], None]
    """Waits until the workflow has nothing to do."""

    def subscribe(
        self, *, on_clock: bool = True, billing_interval: str = "month", **options: Any
    ) -> tuple[dict[str, Any] | None, Subscription]:
        """A customer who pays one dollar a call, from 1 January 2025 unless told otherwise."""
        feature = self.account.create_meter()
        plan = self.account.create_plan(billing_interval=billing_interval)
        self.account.add_usage_charge(plan, feature["meter_id"], unit_price=1)
        clock = self.account.create_clock() if on_clock else None
        customer = self.account.create_customer(clock=clock)
        return clock, self.account.subscribe(customer, plan, **options)

    def act(self, subscription: Subscription, action: str, **body: Any) -> Any:
        """Ask something of the subscription."""
        return self.account.post(f"/subscriptions/{subscription['id']}/{action}", body)

    def other_plan(self, price: int = 2) -> dict[str, Any]:
        """A second plan on the same meter."""
        [meter] = self.account.get("/meters")["data"]
        plan = self.account.create_plan("other")
        self.account.add_usage_charge(plan, meter["id"], unit_price=price)
        return plan

    @contextmanager
    def broken_plan(self, subscription: Subscription) -> Iterator[None]:
        """Meanwhile the terms of the plan do not read, so that no bill of it can be made."""
        with psycopg.connect(superuser_url(self.database_url), autocommit=True) as connection:
            saved = connection.execute(
                "SELECT version, terms::text FROM plan_version WHERE plan_id = %s",
                [subscription["plan_id"]],
            ).fetchall()
            connection.execute(
                "UPDATE plan_version SET terms = '{}' WHERE plan_id = %s",
                [subscription["plan_id"]],
            )
            yield
            for version, terms in saved:
                connection.execute(
                    "UPDATE plan_version SET terms = %s WHERE plan_id = %s AND version = %s",
                    [terms, subscription["plan_id"], version],
                )

    @contextmanager
    def refused_writes(self) -> Iterator[None]:
        """Meanwhile the database refuses to keep what bills are made of."""
        with psycopg.connect(superuser_url(self.database_url), autocommit=True) as connection:
            connection.execute("REVOKE INSERT ON billing_run FROM fluxrate_app")
            yield
            connection.execute("GRANT INSERT ON billing_run TO fluxrate_app")


def three_periods_without_usage(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    stage.account.advance(some(clock), "2025-04-01T01:00:00Z")
    return subscription


def usage_in_grace(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    stage.account.track("api_calls", "acct_77", 5, "2025-01-01T00:00:00Z")
    stage.account.advance(some(clock), "2025-02-01T00:30:00Z")
    stage.account.track("api_calls", "acct_77", 4, "2025-01-31T00:00:00Z")
    stage.account.advance(some(clock), "2025-02-01T01:00:00Z")
    return subscription


def waits_on_the_wall_clock(stage: Stage) -> Subscription:
    today = datetime.now(UTC).replace(microsecond=0)
    _, subscription = stage.subscribe(on_clock=False, start_date=today.isoformat())
    return subscription


def catches_up_on_the_wall_clock(stage: Stage) -> Subscription:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=200)
    _, subscription = stage.subscribe(on_clock=False, start_date=start.isoformat())
    return subscription


def billed_without_grace(stage: Stage) -> Subscription:
    stage.account.patch("/organization", {"grace_period_minutes": 0})
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=5)
    _, subscription = stage.subscribe(
        on_clock=False,
        billing_interval="day",
        start_date=(ends_at - timedelta(days=1)).isoformat(),
    )
    wait_for(lambda: [one["status"] for one in stage.account.invoices(subscription)] == ["PAID"])
    return subscription


def trial_that_ends(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe(trial_end_date="2025-01-15T00:00:00Z")
    stage.account.advance(some(clock), "2025-02-15T01:00:00Z")
    return subscription


def trial_that_is_canceled(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe(trial_end_date="2025-01-15T00:00:00Z")
    stage.act(subscription, "cancel")
    stage.account.advance(some(clock), "2025-02-15T01:00:00Z")
    return subscription


def paused_until_a_date(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    stage.account.advance(some(clock), "2025-01-10T00:00:00Z")
    stage.act(subscription, "pause", resume_at="2025-01-20T00:00:00Z")
    stage.account.advance(some(clock), "2025-02-01T01:00:00Z")
    return subscription


def canceled_at_once(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    stage.account.track("api_calls", "acct_77", 5, "2025-01-01T00:00:00Z")
    stage.account.advance(some(clock), "2025-01-10T00:00:00Z")
    stage.act(subscription, "cancel", cancel_at_period_end=False)
    stage.account.advance(some(clock), "2025-03-10T00:00:00Z")
    return subscription


def canceled_at_period_end(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    stage.act(subscription, "cancel")
    stage.account.advance(some(clock), "2025-03-10T00:00:00Z")
    return subscription


def past_due(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    stage.account.track("api_calls", "acct_77", 5, "2025-01-01T00:00:00Z")
    stage.account.advance(some(clock), "2025-03-10T00:00:00Z")
    return subscription


def parked_and_retried(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    with stage.broken_plan(subscription):
        stage.account.advance(some(clock), "2025-03-01T02:00:00Z")
    for index in (0, 1):
        stage.act(subscription, f"periods/{index}/retry")
    stage.settle(subscription)
    stage.account.advance(some(clock), "2025-04-01T02:00:00Z")
    return subscription


def parked_and_skipped(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    with stage.broken_plan(subscription):
        stage.account.advance(some(clock), "2025-02-01T02:00:00Z")
    stage.act(subscription, "periods/0/skip", reason="agreed with the customer")
    stage.account.advance(some(clock), "2025-03-01T02:00:00Z")
    return subscription


def plan_changed_at_once(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    other = stage.other_plan()
    stage.account.advance(some(clock), "2025-01-10T00:00:00Z")
    stage.act(subscription, "change-plan", plan_id=other["id"])
    stage.account.advance(some(clock), "2025-03-01T02:00:00Z")
    return subscription


def plan_changed_at_period_end(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    other = stage.other_plan()
    stage.act(subscription, "change-plan", plan_id=other["id"], when="period_end")
    stage.account.advance(some(clock), "2025-03-01T02:00:00Z")
    return subscription


def billed_on_request(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    stage.account.advance(some(clock), "2025-01-10T00:00:00Z")
    stage.act(subscription, "generate-invoice")
    stage.account.advance(some(clock), "2025-02-01T02:00:00Z")
    return subscription


def continued_as_new(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    stage.account.advance(some(clock), "2026-07-01T02:00:00Z")
    return subscription


def continued_at_rest(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    stage.settle(subscription)  # a run that has unread news does not end
    stage.account.advance(some(clock), "2025-05-01T02:00:00Z")
    return subscription


def clock_deleted(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    stage.account.advance(some(clock), "2025-02-01T00:30:00Z")
    stage.account.request("DELETE", f"/test-clocks/{some(clock)['id']}")
    return subscription


def database_away(stage: Stage) -> Subscription:
    clock, subscription = stage.subscribe()
    path = f"/test-clocks/{some(clock)['id']}"
    with stage.refused_writes():
        stage.account.post(f"{path}/advance", {"frozen_time": "2025-02-01T01:00:00Z"})
        stage.settle(subscription)
    stage.account.wait_for_clock(some(clock))
    return subscription


KINDS: dict[str, Callable[[Stage], Subscription]] = {
    kind.__name__: kind
    for kind in (
        three_periods_without_usage,
        usage_in_grace,
        waits_on_the_wall_clock,
        catches_up_on_the_wall_clock,
        billed_without_grace,
        trial_that_ends,
        trial_that_is_canceled,
        paused_until_a_date,
        canceled_at_once,
        canceled_at_period_end,
        past_due,
        parked_and_retried,
        parked_and_skipped,
        plan_changed_at_once,
        plan_changed_at_period_end,
        billed_on_request,
        continued_as_new,
        continued_at_rest,
        clock_deleted,
        database_away,
    )
}


def some(clock: dict[str, Any] | None) -> dict[str, Any]:
    """The clock, which is there."""
    assert clock is not None
    return clock
