"""When a delivery has arrived, when it is tried again, and who is told of what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.notifications.deliveries import Answer
from billing.notifications.events import EVERY_EVENT, WebhookEvent, choose_events, is_wanted
from billing.notifications.schedule import is_given_up, next_try_at
from tests.billing.profiles import supporting

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "has_arrived"),
    [
        (None, False),
        (199, False),
        (200, True),
        (204, True),
        (299, True),
        (300, False),
        (500, False),
    ],
)
def test_any_answer_of_two_hundred_has_arrived(code: int | None, *, has_arrived: bool) -> None:
    assert Answer(response_code=code).is_success is has_arrived


@pytest.mark.parametrize(
    ("failed", "seconds"), [(1, 30), (2, 120), (3, 600), (4, 3_600), (5, 21_600)]
)
def test_next_try_is_at_the_documented_time(failed: int, seconds: int) -> None:
    assert next_try_at(failed, at=AT) == AT + timedelta(seconds=seconds)


def test_delivery_is_tried_six_times() -> None:
    due = [next_try_at(failed, at=AT) for failed in range(1, 7)]

    assert [at is not None for at in due] == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Answer(response_code=500), 600),
        (Answer(error="No answer within 10 seconds."), 600),
        (Answer(response_code=200), None),
        (Answer(response_code=410, is_final=True), None),
        (Answer(error="The address was removed.", is_final=True), None),
    ],
)
def test_only_what_may_still_succeed_is_tried_again(answer: Answer, seconds: int | None) -> None:
    due_at = None if seconds is None else AT + timedelta(seconds=seconds)

    assert answer.next_try_at(3, at=AT) == due_at
    assert answer.next_try_at(6, at=AT) is None


@pytest.mark.parametrize(
    ("failing_since", "expected"),
    [
        (None, False),
        (AT, False),
        (AT - timedelta(days=5) + timedelta(seconds=1), False),
        (AT - timedelta(days=5), True),
        (AT - timedelta(days=6), True),
    ],
)
def test_endpoint_is_given_up_after_five_days_without_success(
    failing_since: datetime | None, *, expected: bool
) -> None:
    assert is_given_up(failing_since, at=AT) is expected


@supporting
@given(st.lists(st.sampled_from([*WebhookEvent, EVERY_EVENT]), min_size=1, max_size=12))
def test_endpoint_is_told_of_what_it_named_and_of_nothing_else(named: list[str]) -> None:
    chosen = choose_events(named)

    told = {event for event in WebhookEvent if is_wanted(event, chosen)}
    assert told == (set(WebhookEvent) if EVERY_EVENT in named else set(named))
    assert choose_events(chosen[::-1]) == chosen


def test_events_are_kept_once_in_the_order_of_the_catalogue() -> None:
    wanted = ["subscription.created", "invoice.paid", "invoice.created", "invoice.paid"]

    assert choose_events(wanted) == ["invoice.created", "invoice.paid", "subscription.created"]
    assert choose_events(["invoice.paid", "*"]) == ["*"]


@pytest.mark.parametrize(
    ("wanted", "code", "said"),
    [
        ([], "no_events", 'Name events, or send ["*"].'),
        (["invoice.paid", "invoice.lost"], "unknown_event", "invoice.lost"),
        (["*", "invoice.PAID"], "unknown_event", "invoice.created, invoice."),
    ],
)
def test_endpoint_that_asks_for_nothing_known_is_refused(
    wanted: list[str], code: str, said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        choose_events(wanted)

    assert (refused.value.code, refused.value.field) == (code, "events")
    assert said in refused.value.detail
