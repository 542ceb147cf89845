"""The ordered commands of a workflow, with timer lengths, arguments and summaries.

Replay notices neither a changed timer length nor a changed argument, so they are kept here and
reviewed like a golden file: ``pytest tests/workflows/test_command_trace.py --snapshot-update``.
"""

from __future__ import annotations

from datetime import timedelta

from syrupy.assertion import SnapshotAssertion

from billing.subscriptions import SubscriptionStatus
from tests.workflows.simulated.books import Books
from tests.workflows.simulated.customers import retry_parked
from tests.workflows.simulated.facts import MONTH
from tests.workflows.trace import START, Trace


def test_commands_of_one_period_on_the_wall_clock(snapshot: SnapshotAssertion) -> None:
    trace = Trace(Books(starts_at=START))
    trace.message()
    for _ in range(3):  # the period's end, the end of grace, the due date
        trace.sleep()

    assert trace.lines == snapshot


def test_commands_of_one_period_on_a_test_clock(snapshot: SnapshotAssertion) -> None:
    trace = Trace(Books(starts_at=START, frozen_at=START))
    trace.books.target_at = START + MONTH + timedelta(hours=1)
    trace.message()

    assert trace.lines == snapshot


def test_commands_of_a_trial_that_is_canceled(snapshot: SnapshotAssertion) -> None:
    trial_ends_at = START + timedelta(days=14)
    books = Books(starts_at=START, status=SubscriptionStatus.TRIAL, trial_ends_at=trial_ends_at)
    trace = Trace(books)
    books.ends_with_period = True
    trace.message()
    trace.sleep()

    assert trace.lines == snapshot


def test_commands_of_a_bill_that_is_parked_and_retried(snapshot: SnapshotAssertion) -> None:
    books = Books(starts_at=START, poisoned={(0, "price_usage")})
    trace = Trace(books)
    trace.sleep()
    retry_parked(books, trace.now)
    trace.message()

    assert trace.lines == snapshot
