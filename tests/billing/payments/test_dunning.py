"""The schedule of an open invoice, against a simulator that walks through the days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.payments.dunning import (
    AfterRetries,
    CollectionAction,
    CollectionFacts,
    Dunning,
    PendingAttempt,
    entries_of,
    read_dunning,
    read_reminder_days,
    reminder_days_at,
)
from tests.billing.profiles import supporting

OPENED = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FACTS = CollectionFacts(
    is_due=True,
    opened_at=OPENED,
    due_at=OPENED + 30 * DAY,
    has_gateway=True,
    sends_mails=True,
    dunning=Dunning(),
    reminder_days=(-3, 1, 7),
)
CHARGE, REMIND, END = CollectionAction.CHARGE, CollectionAction.REMIND, CollectionAction.END

ascending = st.lists(st.integers(1, 40), unique=True, max_size=6).map(sorted)
around = st.lists(st.integers(-40, 40), unique=True, max_size=6).map(sorted)


def shown(facts: CollectionFacts) -> list[tuple[int, CollectionAction]]:
    return [((entry.due_at - OPENED).days, entry.action) for entry in entries_of(facts)]


def perform(facts: CollectionFacts, *, at: datetime, fails: bool) -> CollectionFacts:
    """The facts after the first entry was performed at that instant."""
    entry = entries_of(facts)[0]
    match entry.action:
        case CollectionAction.CHARGE:
            failed_at = facts.first_failed_at or (at if fails else None)
            return replace(
                facts, charged_through=at, first_failed_at=failed_at, is_due=fails and facts.is_due
            )
        case CollectionAction.REMIND:
            return replace(facts, reminded_through=at)
        case CollectionAction.END:
            is_over = facts.dunning.then is AfterRetries.UNCOLLECTIBLE
            return replace(facts, exhausted_at=at, is_due=not is_over)
        case CollectionAction.SETTLE:
            raise AssertionError


def test_first_try_is_made_when_the_invoice_is_open_and_no_other_is_planned_before_it_failed() -> (
    None
):
    assert shown(FACTS) == [(0, CHARGE), (27, REMIND), (31, REMIND), (37, REMIND)]


def test_retries_count_from_the_first_failed_try() -> None:
    failed = replace(FACTS, charged_through=OPENED, first_failed_at=OPENED + DAY)

    assert shown(failed)[:5] == [(2, CHARGE), (4, CHARGE), (6, CHARGE), (8, CHARGE), (8, END)]


def test_try_of_unknown_end_comes_alone_and_before_all_else_even_of_a_paid_invoice() -> None:
    pending = PendingAttempt(payment_id="p", at=OPENED + DAY)

    for is_due in (True, False):
        [entry] = entries_of(replace(FACTS, pending=pending, is_due=is_due))
        assert (entry.action, entry.payment_id) == (CollectionAction.SETTLE, "p")


def test_nothing_is_due_of_an_invoice_that_is_paid() -> None:
    assert entries_of(replace(FACTS, is_due=False, first_failed_at=OPENED)) == ()


def test_without_a_gateway_there_are_reminders_and_the_end_of_what_was_begun() -> None:
    gone = replace(FACTS, has_gateway=False, first_failed_at=OPENED)

    assert shown(gone) == [(7, END), (27, REMIND), (31, REMIND), (37, REMIND)]


def test_first_try_is_let_pass_where_one_on_a_page_was_quicker() -> None:
    """The card that was declined a second ago is not charged again before its first retry."""
    due = FACTS.due_at
    failed = replace(FACTS, first_failed_at=due, page_failed_at=OPENED, reminder_days=())

    assert shown(failed) == [(31, CHARGE), (33, CHARGE), (35, CHARGE), (37, CHARGE), (37, END)]


def test_page_of_an_invoice_that_was_not_collected_yet_lets_no_try_pass() -> None:
    before = replace(FACTS, page_failed_at=OPENED - DAY)

    assert shown(before)[0] == (0, CHARGE)


def test_nobody_is_reminded_of_what_they_are_only_told_now() -> None:
    at_once = replace(FACTS, due_at=OPENED, charged_through=OPENED)

    assert shown(at_once) == [(1, REMIND), (7, REMIND)]


def test_what_was_due_during_an_outage_is_done_once() -> None:
    late = OPENED + 6 * DAY
    failed = replace(FACTS, first_failed_at=OPENED, charged_through=OPENED)

    after = perform(failed, at=late, fails=True)

    assert shown(after)[:2] == [(7, CHARGE), (7, END)]
    assert reminder_days_at(replace(FACTS, reminder_days=(-3, 1, 7)), OPENED + 35 * DAY) == 1


@supporting
@given(retry_days=ascending, reminder_days=around, terms=st.integers(0, 40), paid_on=st.integers(0))
def test_whoever_performs_entries_in_order_does_what_a_walk_through_the_days_does(
    retry_days: list[int], reminder_days: list[int], terms: int, paid_on: int
) -> None:
    """``paid_on`` is the number of the try that succeeds; most often none does."""
    facts = replace(
        FACTS,
        due_at=OPENED + terms * DAY,
        dunning=Dunning(retry_days=tuple(retry_days)),
        reminder_days=tuple(reminder_days),
    )
    done: list[tuple[int, CollectionAction]] = []
    tries = 0
    while left := entries_of(facts):
        fails = not (left[0].action is CHARGE and tries == paid_on)
        tries += left[0].action is CHARGE
        done.append(((left[0].due_at - OPENED).days, left[0].action))
        facts = perform(facts, at=left[0].due_at, fails=fails)

    assert done == walk(retry_days, reminder_days, terms=terms, paid_on=paid_on)


def walk(
    retry_days: list[int], reminder_days: list[int], *, terms: int, paid_on: int
) -> list[tuple[int, CollectionAction]]:
    """What happens to an invoice whose tries fail up to that one, day by day."""
    done: list[tuple[int, CollectionAction]] = []
    tries = 0
    last = max(retry_days, default=0)
    for day in range(100):
        if day == 0 or day in retry_days:
            done.append((day, CHARGE))
            if tries == paid_on:
                return done
            tries += 1
        if day > 0 and day - terms in reminder_days:
            done.append((day, REMIND))
        if day == last:
            done.append((day, END))
    return done


@supporting
@given(retry_days=ascending, jumps=st.lists(st.integers(0, 100), max_size=6))
def test_one_big_jump_equals_many_small_ones(retry_days: list[int], jumps: list[int]) -> None:
    """On a test clock each entry is performed at its own instant, wherever the clock stands."""
    start = replace(FACTS, dunning=Dunning(retry_days=tuple(retry_days)))

    def advance(facts: CollectionFacts, to: int) -> tuple[CollectionFacts, list[datetime]]:
        done = []
        while (left := entries_of(facts)) and left[0].due_at <= OPENED + to * DAY:
            done.append(left[0].due_at)
            facts = perform(facts, at=left[0].due_at, fails=True)
        return facts, done

    small, steps = start, []
    for to in [*sorted(jumps), 100]:
        small, done = advance(small, to)
        steps += done

    assert (small, steps) == advance(start, 100)


WHOLE_DAYS = "dunning.retry_days are whole days from 1 to 365."
ASCENDING = "dunning.retry_days ascend, each day once."
LIST_OF_DAYS = "dunning.retry_days is a list of at most 20 days."


@pytest.mark.parametrize(
    ("document", "field", "detail"),
    [
        ({"retry_days": [0, 1]}, "dunning.retry_days", WHOLE_DAYS),
        ({"retry_days": [3, 1]}, "dunning.retry_days", ASCENDING),
        ({"retry_days": [1, 1]}, "dunning.retry_days", ASCENDING),
        ({"retry_days": [1, 366]}, "dunning.retry_days", WHOLE_DAYS),
        ({"retry_days": list(range(1, 22))}, "dunning.retry_days", LIST_OF_DAYS),
        ({"retry_days": [1.5]}, "dunning.retry_days", WHOLE_DAYS),
        ({"retry_days": [True]}, "dunning.retry_days", WHOLE_DAYS),
        ({"retry_days": "1"}, "dunning.retry_days", LIST_OF_DAYS),
        ({"retry_days": 1}, "dunning.retry_days", LIST_OF_DAYS),
        ({"then": "delete"}, "dunning.then", "then is one of none, pause, cancel, uncollectible."),
        ({"after": "pause"}, "dunning.after", "dunning has retry_days and then."),
    ],
)
def test_settings_that_make_no_schedule_name_the_field(
    document: dict[str, object], field: str, detail: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_dunning(document)

    assert (refused.value.code, refused.value.field) == ("invalid_dunning", field)
    assert refused.value.detail == detail


@pytest.mark.parametrize("days", [[-61], [366], [1, -3], [0, 0], list(range(21)), ["1"]])
def test_reminders_that_make_no_schedule_name_the_field(days: list[object]) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_reminder_days(days)

    assert refused.value.field == "reminder_days"


def test_a_schedule_may_be_as_long_and_as_late_as_it_says() -> None:
    assert read_dunning({"retry_days": [*range(1, 20), 365]}).retry_days[-1] == 365
    assert read_reminder_days([-60, 365]) == (-60, 365)


@pytest.mark.parametrize(
    ("opened", "through", "at", "day"),
    [
        (0, None, 27, -3),
        (27, None, 27, None),
        (0, None, 26, None),
        (0, None, 37, 7),
        (0, 31, 36, None),
        (0, 31, 37, 7),
        (0, 37, 60, None),
    ],
)
def test_a_reminder_is_sent_once_from_its_day_on(
    opened: int, through: int | None, at: int, day: int | None
) -> None:
    facts = replace(
        FACTS,
        opened_at=OPENED + opened * DAY,
        reminded_through=None if through is None else OPENED + through * DAY,
    )

    assert reminder_days_at(facts, OPENED + at * DAY) == day


def test_what_the_settings_leave_out_is_as_without_any() -> None:
    assert read_dunning({}) == Dunning()
    assert read_dunning({"then": "pause"}) == Dunning(then=AfterRetries.PAUSE)
    assert read_dunning(Dunning(retry_days=(2,)).to_document()) == Dunning(retry_days=(2,))
    assert read_reminder_days([]) == ()
