"""What an action adds that is due at its own instant is done in the same workflow task.

A workflow's own time stands still while its steps run, so the present is when they left off, by
their worker's clock. That clock may be wrong, and must do no harm then.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from activities import declarations
from billing.subscriptions import SubscriptionStatus
from tests.workflows.simulated.books import Books
from tests.workflows.simulated.facts import GRACE, MONTH
from tests.workflows.trace import START, Trace

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
NO_GRACE = timedelta(0)
FINALIZE = declarations.FINALIZE_INVOICE.name
WHOLE_BILL = [
    declarations.ROLL_PERIOD.name,
    *(step.name for step in declarations.BILL_STEPS),
    declarations.ISSUE_INVOICE.name,
    FINALIZE,
]


def commands_of(trace: Trace) -> list[str]:
    """What the workflow asked for since the last look: the steps by name, all else by kind."""
    words = [line.split() for line in trace.lines]
    trace.lines.clear()
    return [word[1] if word[0] == "step" else word[0] for word in words]


def test_invoice_without_grace_is_final_in_the_task_that_closes_its_period() -> None:
    trace = Trace(Books(starts_at=START, grace=NO_GRACE), ahead=3 * SECOND)
    commands_of(trace)

    trace.sleep()

    assert commands_of(trace) == [*WHOLE_BILL, "show", "timer"]


def test_invoice_with_grace_is_final_in_a_task_of_its_own() -> None:
    trace = Trace(Books(starts_at=START, grace=11 * SECOND), ahead=3 * SECOND)
    commands_of(trace)

    trace.sleep()

    assert commands_of(trace) == [*WHOLE_BILL[:-1], "show", "timer"]
    trace.sleep()
    assert commands_of(trace) == [FINALIZE, "show", "timer"]


def test_clock_far_ahead_brings_nothing_forward_by_more_than_ten_seconds() -> None:
    trace = Trace(Books(starts_at=START))
    trace.sleep()
    finalize_at = trace.now + GRACE
    trace.ahead = HOUR

    trace.now = finalize_at - 11 * SECOND
    trace.message()
    assert FINALIZE not in commands_of(trace)

    trace.now = finalize_at - 9 * SECOND
    trace.message()
    assert FINALIZE in commands_of(trace)


def test_draft_of_a_clock_far_ahead_waits_for_its_instant() -> None:
    trace = Trace(Books(starts_at=START, grace=NO_GRACE), ahead=HOUR)
    trace.sleep()

    assert FINALIZE not in commands_of(trace)
    closed_at = trace.now
    trace.sleep()
    assert trace.now == closed_at + HOUR
    assert FINALIZE in commands_of(trace)


@pytest.mark.parametrize(
    ("books", "action"),
    [
        (Books(starts_at=START), declarations.ROLL_PERIOD),
        (
            Books(
                starts_at=START,
                status=SubscriptionStatus.TRIAL,
                trial_ends_at=START + MONTH,
            ),
            declarations.END_TRIAL,
        ),
        (
            Books(
                starts_at=START - MONTH / 2,
                status=SubscriptionStatus.PAUSED,
                resumes_at=START + MONTH,
            ),
            declarations.RESUME_SUBSCRIPTION,
        ),
    ],
    ids=("period", "trial", "pause"),
)
def test_clock_far_ahead_ends_nothing_before_its_end(
    books: Books, action: declarations.Step[declarations.ActionRequest, object]
) -> None:
    trace = Trace(books, ahead=HOUR)
    commands_of(trace)

    trace.now = START + MONTH - SECOND
    trace.message()
    assert commands_of(trace)[-1] == "timer"
    assert trace.books.effects == []

    trace.sleep()
    assert trace.now == START + MONTH
    assert commands_of(trace)[0] == action.name


def test_test_clock_knows_no_other_present() -> None:
    def lines(ahead: timedelta) -> list[str]:
        books = Books(starts_at=START, frozen_at=START, grace=NO_GRACE)
        trace = Trace(books, ahead=ahead)
        books.target_at = START + MONTH + HOUR
        trace.message()
        return trace.lines

    assert lines(HOUR) == lines(timedelta(0))
