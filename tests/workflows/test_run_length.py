"""How long a run of a workflow is before it continues as new, and so its history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from activities import declarations
from tests.workflows.simulated.books import Books
from tests.workflows.simulated.facts import MONTH
from tests.workflows.simulated.simulator import INPUT
from tests.workflows.trace import START, Trace
from workflows.subscription import ACTIONS_PER_RUN, LONGEST_RUN, SubscriptionInput

SHORT = replace(INPUT, most_actions=ACTIONS_PER_RUN)
FIRST_STEPS = (
    declarations.ROLL_PERIOD.name,
    declarations.QUERY_USAGE.name,
    declarations.FINALIZE_INVOICE.name,
    declarations.MARK_PAST_DUE.name,
)
"""The first step of each action."""


def first_run(given: SubscriptionInput, *, behind: timedelta) -> Iterator[str]:
    """The steps of the run that begins so, of a subscription that lags behind."""
    books = Books(starts_at=START - behind, grace=timedelta(0))
    trace = Trace(books, given=given, ahead=timedelta(seconds=1))
    while not trace.lines[-1].startswith("continue_as_new"):
        trace.sleep()
    return (line.split()[1] for line in trace.lines if line.startswith("step"))


@pytest.mark.parametrize(
    ("given", "behind", "actions"),
    [
        (SHORT, timedelta(0), ACTIONS_PER_RUN),
        (SHORT, 5 * MONTH, 5 * 3),
        (SHORT, 20 * MONTH, LONGEST_RUN),
        (INPUT, timedelta(0), LONGEST_RUN),
    ],
    ids=("at rest", "after catching up", "catching up for long", "begun by former code"),
)
def test_run_continues_as_new_after_so_many_actions(
    given: SubscriptionInput, behind: timedelta, actions: int
) -> None:
    performed = [step for step in first_run(given, behind=behind) if step in FIRST_STEPS]

    assert len(performed) == actions
