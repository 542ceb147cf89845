"""Subscriptions that stand still: a change that waits for missed bills, a bill that parks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from activities import declarations
from tests.faults.steps.crash_lives import Variant
from tests.faults.steps.crashes import Crash, Moment
from tests.scenarios.account import Account

PRESENT = "2025-03-20T00:00:00Z"
"""Everybody subscribed on 1 January; January and February are missed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kind:
    """What a life waits for, and what comes of it; under ``make chaos`` at every moment."""

    name: str
    step: str
    asks: str | None
    """The action that is kept for later."""
    killed_at: tuple[Moment, ...]
    unanswered_at: tuple[Moment, ...]
    invoices: tuple[tuple[Any, ...], ...]
    """Start, end and total of each, once a day more has passed and people helped."""
    happened: dict[str, int]
    """How often each thing is in the timeline."""


CANCELED = Kind(
    name="cancel",
    step=declarations.APPLY_CHANGE.name,
    asks="cancel",
    killed_at=tuple(Moment),
    unanswered_at=(),
    invoices=(
        ("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z", 12),
        ("2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z", 0),
        ("2025-03-01T00:00:00Z", PRESENT, 7),
    ),
    happened={"canceled": 1, "plan_changed": 0, "needs_attention": 0},
)
"""March ends where the cancellation was asked for, after January and February are billed."""

MOVED = Kind(
    name="move",
    step=declarations.APPLY_CHANGE.name,
    asks="change-plan",
    killed_at=(),
    unanswered_at=tuple(Moment),
    invoices=CANCELED.invoices,
    happened={"canceled": 0, "plan_changed": 1, "needs_attention": 0},
)
"""The same cut, and the rest of March is open on the other plan."""

PARKED = Kind(
    name="park",
    step=declarations.PARK_BILL.name,
    asks=None,
    killed_at=tuple(Moment),
    unanswered_at=(Moment.DURING,),
    invoices=CANCELED.invoices[:2],
    happened={"canceled": 0, "plan_changed": 0, "needs_attention": 2},
)
"""Neither missed bill can be made until the plan reads again; then people retry both."""


def make_stopped(
    account: Account,
    plan: dict[str, Any],
    other_plan: dict[str, Any],
    kind: Kind,
    harm: str,
    crash: Crash,
) -> Variant:
    """Somebody with two missed periods and, where the kind asks for one, a change that waits."""
    external_id = f"{kind.name} {harm} {crash.moment}".replace(" ", "-")
    clock = account.create_clock(PRESENT)
    customer = account.create_customer(external_id, clock)
    subscription = account.subscribe(customer, plan)
    account.track("api_calls", external_id, 12, "2025-01-16T00:00:00Z")
    account.track("api_calls", external_id, 7, "2025-03-05T00:00:00Z")
    path = f"/subscriptions/{subscription['id']}"
    if kind.asks == "cancel":
        account.post(f"{path}/cancel", {"cancel_at_period_end": False})
    elif kind.asks == "change-plan":
        account.post(f"{path}/change-plan", {"plan_id": other_plan["id"], "when": "now"})
    advance(account, clock, "2025-03-21T00:00:00Z")
    return Variant(
        name=external_id,
        crash=crash,
        is_paused=False,
        task_queue=f"crash-{uuid4()}",
        clock=clock,
        subscription=subscription,
    )


def advance(account: Account, clock: dict[str, Any], to: str) -> None:
    """The clock goes on; nobody has come along yet."""
    account.post(f"/test-clocks/{clock['id']}/advance", {"frozen_time": to}, expect=202)


def retry_all(account: Account, variants: Sequence[Variant]) -> None:
    """People retry both bills of each, a day before the clocks come to the 22nd."""
    for variant in variants:
        for index in (0, 1):
            account.post(f"/subscriptions/{variant.subscription['id']}/periods/{index}/retry")
        advance(account, variant.clock, "2025-03-22T00:00:00Z")


def check_stopped(account: Account, kind: Kind, variants: Sequence[Variant]) -> None:
    """Every life of the kind has its documents, and each thing happened as often as it says."""
    for variant in variants:
        account.wait_for_clock(variant.clock)
    found = {
        one.name: tuple(
            (invoice["period_start"], invoice["period_end"], invoice["total"])
            for invoice in account.invoices(one.subscription)
        )
        for one in variants
    }
    assert found == dict.fromkeys(found, kind.invoices)
    for one in variants:
        past = account.get(f"/subscriptions/{one.subscription['id']}/timeline")["past"]
        actions = [each["action"] for each in past]
        assert {action: actions.count(action) for action in kind.happened} == kind.happened


def check_numbered(account: Account, variants: Sequence[Variant]) -> None:
    """The invoices of all are numbered without a gap."""
    numbers = [
        invoice["invoice_number"]
        for variant in variants
        for invoice in account.invoices(variant.subscription)
    ]
    assert sorted(numbers) == [f"INV-2025-{number:04d}" for number in range(1, len(numbers) + 1)]
