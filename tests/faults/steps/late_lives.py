"""Subscriptions whose usage was corrected after their invoices were final, before it is settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import uuid4

from activities import declarations
from activities.declarations import ProgressRequest, SubscriptionReference
from activities.subscriptions import SubscriptionActivities
from repositories.transactions import Transactions
from tests.faults.steps.crash_lives import Variant
from tests.faults.steps.crashes import Crash, Moment
from tests.scenarios.account import Account
from tests.workflows.acting import perform_entry

SETTLE, RETURN = declarations.SETTLE_LATE_USAGE.name, declarations.RETURN_CREDIT.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How an organization settles late usage, and what comes of it at its customers' lives."""

    policy: str
    is_canceled: bool
    corrected_at: str
    steps: tuple[str, ...]
    killed_at: tuple[Moment, ...]
    unanswered_at: tuple[Moment, ...]
    """When it happens at each of the steps; under ``make chaos`` at every moment."""
    invoices: tuple[tuple[Any, ...], ...]
    """Kind, total, what is due, status, and the notes of each."""
    happened: dict[str, int]
    """How often each thing is in the timeline, of those that corrections leave there."""


ENDED = Kind(
    policy="next_invoice",
    is_canceled=True,
    corrected_at="2025-02-10T00:00:00Z",
    steps=(SETTLE, RETURN),
    killed_at=(Moment.DURING, Moment.AFTER),
    unanswered_at=(Moment.AFTER, Moment.BEFORE),
    invoices=(
        ("period", 17, 17, "OPEN", ()),
        ("late_usage", 0, 0, "PAID", (("carried_credit", 12),)),
    ),
    happened={"late_usage_settled": 1, "credit_returned": 1},
)
"""Nobody is billed any more: the twelve calls that were void are carried, and given back."""

LIVE = Kind(
    policy="credit_note_or_invoice",
    is_canceled=False,
    corrected_at="2025-03-10T00:00:00Z",
    steps=(SETTLE,),
    killed_at=(Moment.BEFORE,),
    unanswered_at=(Moment.DURING,),
    invoices=(
        ("period", 17, 5, "OPEN", (("late_usage", 12),)),
        ("period", 0, 0, "PAID", ()),
        ("late_usage", 3, 3, "OPEN", ()),
        ("period", 0, 0, "PAID", ()),
    ),
    happened={"late_usage_settled": 2, "credit_returned": 0},
)
"""January has a credit note of twelve calls, and February's three have an invoice."""


def late_crashes(kind: Kind, moments: tuple[Moment, ...], *, is_chaos: bool) -> list[Crash]:
    """Each step at one of the moments, or every step at every moment."""
    pairs = product(kind.steps, Moment) if is_chaos else zip(kind.steps, moments, strict=False)
    return [Crash(step=step, moment=moment) for step, moment in pairs]


def make_corrected(
    account: Account,
    transactions: Transactions,
    plan: dict[str, Any],
    kind: Kind,
    name: str,
    crash: Crash | None = None,
) -> Variant:
    """Somebody whose invoices are final and whose usage was corrected then; nothing is settled."""
    external_id = name.replace(" ", "-")
    clock = account.create_clock("2025-01-20T00:00:00Z")
    customer = account.create_customer(external_id, clock)
    subscription = account.subscribe(customer, plan)
    wrong = account.track("api_calls", external_id, 12, "2025-01-16T00:00:00Z")
    account.track("api_calls", external_id, 5, "2025-01-17T00:00:00Z")
    if kind.is_canceled:
        account.post(f"/subscriptions/{subscription['id']}/cancel")
    variant = Variant(
        name=name,
        crash=crash,
        is_paused=False,
        task_queue=f"crash-{uuid4()}",
        clock=clock,
        subscription=subscription,
    )
    send_clock(account, variant, kind.corrected_at)
    do_due(account, transactions, variant)
    account.wait_for_clock(clock)
    account.post(f"/usage/{wrong['id']}/void")
    if not kind.is_canceled:
        account.track("api_calls", external_id, 3, "2025-02-05T00:00:00Z")
    send_clock(account, variant, "2025-04-20T00:00:00Z")
    return variant


def send_clock(account: Account, variant: Variant, to: str) -> None:
    """The clock goes on; nobody has come along yet."""
    account.post(f"/test-clocks/{variant.clock['id']}/advance", {"frozen_time": to}, expect=202)


def do_due(account: Account, transactions: Transactions, variant: Variant) -> None:
    """Everything is done that is due, as a workflow that nothing happens to does it."""
    activities = SubscriptionActivities(transactions, lambda: datetime.now(UTC))
    organization_id, subscription_id = account.organization["id"], variant.subscription["id"]
    names = {"organization_id": organization_id, "subscription_id": subscription_id}
    state = activities.read_agenda(SubscriptionReference(**names))
    now = state.clock_at
    assert now is not None
    while state.agenda and state.agenda[0].due_at <= now:
        state = perform_entry(activities, organization_id, subscription_id, state.agenda[0])
    activities.record_progress(ProgressRequest(**names, through=now))


def check_corrected(account: Account, kind: Kind, variants: list[Variant]) -> None:
    """Every life has the documents that its kind says, and all are numbered without a gap."""
    for variant in variants:
        account.wait_for_clock(variant.clock)
    found = {one.name: account.invoices(one.subscription) for one in variants}
    notes = {
        invoice["id"]: account.get(f"/invoices/{invoice['id']}/credit-notes")["data"]
        for invoices in found.values()
        for invoice in invoices
    }
    documents = {
        name: tuple(
            (
                *(invoice[part] for part in ("kind", "total", "amount_due", "status")),
                tuple((note["kind"], note["total"]) for note in notes[invoice["id"]]),
            )
            for invoice in invoices
        )
        for name, invoices in found.items()
    }
    assert documents == dict.fromkeys(documents, kind.invoices)
    for variant in variants:
        assert happened(account, variant, kind) == kind.happened, variant.name
    check_numbers("INV", [one["invoice_number"] for each in found.values() for one in each])
    check_numbers("CN", [one["number"] for each in notes.values() for one in each])


def happened(account: Account, variant: Variant, kind: Kind) -> dict[str, int]:
    """How often the timeline says each thing that the kind counts."""
    past = account.get(f"/subscriptions/{variant.subscription['id']}/timeline")["past"]
    actions = [one["action"] for one in past]
    return {action: actions.count(action) for action in kind.happened}


def check_numbers(series: str, numbers: list[str]) -> None:
    """Each number was given once, from 1 on."""
    expected = [f"{series}-2025-{number:04d}" for number in range(1, len(numbers) + 1)]
    assert sorted(numbers) == expected
