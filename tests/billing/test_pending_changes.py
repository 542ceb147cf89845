"""Which change waits when a second one is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from billing.errors import Conflict
from billing.pending_changes import ChangeAction, PendingChange, merge_changes

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
