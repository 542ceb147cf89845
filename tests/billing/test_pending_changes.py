"""Which change waits when a second one is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import Conflict
from billing.pending_changes import ChangeAction, PendingChange, merge_changes
from tests.billing.profiles import supporting

FIRST = datetime(2026, 6, 1, tzinfo=UTC)
LATER = FIRST + timedelta(hours=1)


def change(action: ChangeAction, at: datetime = FIRST, *, at_end: bool = False) -> PendingChange:
    return PendingChange(action=action, at=at, at_period_end=at_end)


def test_the_first_change_waits_as_it_is() -> None:
    assert merge_changes(None, change(ChangeAction.PAUSE)) == change(ChangeAction.PAUSE)


def test_the_same_change_keeps_its_first_instant() -> None:
    waiting = change(ChangeAction.CANCEL)

    assert merge_changes(waiting, change(ChangeAction.CANCEL, LATER)) == waiting


def test_deletion_keeps_the_instant_of_the_cancellation_that_it_replaces() -> None:
    merged = merge_changes(change(ChangeAction.CANCEL), change(ChangeAction.DELETE, LATER))

    assert merged == change(ChangeAction.DELETE, FIRST)


def test_end_at_once_replaces_what_would_come_to_nothing() -> None:
    wanted = change(ChangeAction.CANCEL, LATER)

    assert merge_changes(change(ChangeAction.CHANGE_PLAN), wanted) == wanted
    assert merge_changes(change(ChangeAction.CANCEL, at_end=True), wanted) == wanted


def test_deletion_is_not_undone_by_a_cancellation() -> None:
    waiting = change(ChangeAction.DELETE)

    assert merge_changes(waiting, change(ChangeAction.CANCEL, at_end=True)) == waiting


def test_reactivation_takes_a_cancellation_back() -> None:
    assert merge_changes(change(ChangeAction.CANCEL), change(ChangeAction.REACTIVATE)) is None


def test_deletion_of_what_only_waits_for_something_else_is_of_its_own_instant() -> None:
    wanted = change(ChangeAction.DELETE, LATER)

    assert merge_changes(change(ChangeAction.PAUSE), wanted) == wanted


@pytest.mark.parametrize(
    ("waiting", "wanted"),
    [
        (ChangeAction.PAUSE, ChangeAction.RESUME),
        (ChangeAction.CANCEL, ChangeAction.PAUSE),
        (ChangeAction.DELETE, ChangeAction.REACTIVATE),
    ],
)
def test_contradictions_are_refused_by_the_name_of_what_waits(
    waiting: ChangeAction, wanted: ChangeAction
) -> None:
    with pytest.raises(Conflict) as refused:
        merge_changes(change(waiting), change(wanted))

    assert refused.value.code == "change_pending"
    assert refused.value.detail == (
        "The subscription bills its missed periods first, and then does what was asked before:"
        f" {waiting.value}."
    )


@pytest.mark.parametrize(
    ("action", "at_end", "ends"),
    [
        (ChangeAction.DELETE, False, True),
        (ChangeAction.DELETE, True, True),
        (ChangeAction.CANCEL, False, True),
        (ChangeAction.CANCEL, True, False),
        *((one, False, False) for one in ChangeAction if one not in ("delete", "cancel")),
    ],
)
def test_a_deletion_ends_at_once_and_so_does_a_cancellation_that_does_not_wait(
    action: ChangeAction, *, at_end: bool, ends: bool
) -> None:
    assert change(action, at_end=at_end).ends_at_once is ends


changes = st.builds(
    PendingChange,
    action=st.sampled_from(ChangeAction),
    at=st.integers(0, 5).map(lambda hours: FIRST + timedelta(hours=hours)),
    at_period_end=st.booleans(),
    reason=st.sampled_from([None, "moved"]),
)


def expected(waiting: PendingChange, wanted: PendingChange) -> str:
    """What is to wait, in the words of the contract, rule by rule."""
    asked = [
        (one.action.value, one.at_period_end, one.reason, one.plan_id) for one in (waiting, wanted)
    ]
    kinds = waiting.action.value, wanted.action.value
    if asked[0] == asked[1]:
        return "waiting"
    if kinds == ("cancel", "reactivate"):
        return "nothing"
    if kinds == ("delete", "cancel"):
        return "waiting"
    at_once = [kind == "delete" or (kind == "cancel" and not end) for kind, end, *_ in asked]
    if wanted.action.value == "delete" and at_once[0]:
        return "wanted, as early"
    return "wanted" if at_once == [False, True] else "refused"


@supporting
@given(changes, changes)
def test_of_two_changes_that_waits_which_leaves_something_to_do(
    waiting: PendingChange, wanted: PendingChange
) -> None:
    try:
        found = merge_changes(waiting, wanted)
    except Conflict:
        assert expected(waiting, wanted) == "refused"
        return
    assert found == {
        "waiting": waiting,
        "nothing": None,
        "wanted": wanted,
        "wanted, as early": replace(wanted, at=waiting.at),
    }.get(expected(waiting, wanted), "refused")


@supporting
@given(changes)
def test_whatever_waits_may_be_asked_for_again_and_again(waiting: PendingChange) -> None:
    again = replace(waiting, at=LATER + timedelta(days=1))

    assert merge_changes(waiting, again) == merge_changes(waiting, waiting) == waiting
    assert merge_changes(None, waiting) == waiting
