"""The states of a subscription, and the agenda that follows from its facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidTransition
from billing.subscriptions import (
    BillFacts,
    PeriodFacts,
    PeriodStatus,
    SubscriptionFacts,
    SubscriptionStatus,
    agenda_of,
    change_period_status,
    require_transition,
)

JANUARY, FEBRUARY = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
MARCH = datetime(2025, 3, 1, tzinfo=UTC)

ARROWS = {
    ("TRIAL", "ACTIVE"),
    ("TRIAL", "CANCELED"),
    ("ACTIVE", "PAST_DUE"),
    ("ACTIVE", "PAUSED"),
    ("ACTIVE", "CANCELED"),
    ("PAST_DUE", "ACTIVE"),
    ("PAST_DUE", "PAUSED"),
    ("PAST_DUE", "CANCELED"),
    ("PAUSED", "ACTIVE"),
    ("PAUSED", "PAST_DUE"),
    ("PAUSED", "CANCELED"),
}


def named(facts: SubscriptionFacts) -> list[tuple[str, int | None]]:
    return [(entry.action.value, entry.period_index) for entry in agenda_of(facts)]


@pytest.mark.parametrize("present", SubscriptionStatus)
@pytest.mark.parametrize("target", SubscriptionStatus)
def test_state_machine_has_exactly_the_documented_arrows(
    present: SubscriptionStatus, target: SubscriptionStatus
) -> None:
    if (present.value, target.value) in ARROWS:
        require_transition(present, target)
        return
    with pytest.raises(InvalidTransition, match=f"{present}.*{target}"):
        require_transition(present, target)


PERIOD_ARROWS = {
    "open": {"closed", "parked", "skipped"},
    "closed": {"drafted", "parked", "skipped"},
    "drafted": {"final", "parked", "unbilled", "void"},
    "final": {"parked", "void"},
    "parked": {"open", "closed", "drafted", "final", "skipped", "unbilled", "void"},
    "skipped": set(),
    "unbilled": {"closed"},
    "void": {"closed"},
}


@pytest.mark.parametrize("present", PeriodStatus)
@pytest.mark.parametrize("target", PeriodStatus)
def test_bill_of_a_period_has_exactly_the_documented_arrows(
    present: PeriodStatus, target: PeriodStatus
) -> None:
    if target.value in PERIOD_ARROWS[present.value]:
        assert change_period_status(present, target) is target
        return
    with pytest.raises(InvalidTransition, match=f"{present}.*{target}"):
        change_period_status(present, target)


def test_trial_has_nothing_to_do_but_end() -> None:
    facts = SubscriptionFacts(status=SubscriptionStatus.TRIAL, trial_ends_at=FEBRUARY)

    assert named(facts) == [("end_trial", None)]


def test_pause_without_a_planned_end_waits_for_people() -> None:
    running = PeriodFacts(index=0, ends_at=FEBRUARY, status=PeriodStatus.OPEN)
    facts = SubscriptionFacts(status=SubscriptionStatus.PAUSED, periods=(running,))

    assert named(facts) == [("close_period", 0)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (PeriodStatus.OPEN, [("close_period", 0)]),
        (PeriodStatus.CLOSED, [("bill_period", 0)]),
        (PeriodStatus.DRAFTED, []),
        (PeriodStatus.FINAL, []),
        (PeriodStatus.PARKED, []),
        (PeriodStatus.SKIPPED, []),
    ],
)
def test_period_asks_for_what_its_bill_still_lacks(
    status: PeriodStatus, expected: list[tuple[str, int]]
) -> None:
    stored = PeriodFacts(index=0, ends_at=FEBRUARY, status=status)

    assert named(SubscriptionFacts(status=SubscriptionStatus.ACTIVE, periods=(stored,))) == expected


def test_interrupted_bill_comes_before_everything_later() -> None:
    facts = SubscriptionFacts(
        status=SubscriptionStatus.ACTIVE,
        periods=(
            PeriodFacts(index=1, ends_at=MARCH, status=PeriodStatus.OPEN),
            PeriodFacts(index=0, ends_at=FEBRUARY, status=PeriodStatus.CLOSED, revision=3),
        ),
    )

    assert named(facts) == [("bill_period", 0), ("close_period", 1)]
    assert agenda_of(facts)[0].revision == 3


def test_ties_at_one_instant_close_before_they_finalize_and_dun() -> None:
    facts = SubscriptionFacts(
        status=SubscriptionStatus.PAUSED,
        resumes_at=MARCH,
        periods=(
            PeriodFacts(index=1, ends_at=MARCH, status=PeriodStatus.OPEN),
            PeriodFacts(index=0, ends_at=MARCH, status=PeriodStatus.CLOSED),
        ),
        bills=(
            BillFacts(invoice_id="b", period_index=0, due_at=MARCH),
            BillFacts(invoice_id="a", period_index=0, finalize_at=MARCH),
        ),
    )

    assert [name for name, _ in named(facts)] == [
        "resume",
        "close_period",
        "bill_period",
        "finalize_invoice",
        "payment_due",
    ]


instants = st.integers(0, 4000).map(lambda hours: JANUARY + timedelta(hours=hours))
periods = st.lists(
    st.builds(
        PeriodFacts,
        index=st.integers(0, 20),
        ends_at=instants,
        status=st.sampled_from(PeriodStatus),
    ),
    max_size=8,
)
bills = st.lists(
    st.builds(
        BillFacts,
        invoice_id=st.text("abc", min_size=1, max_size=3),
        period_index=st.none() | st.integers(0, 20),
        finalize_at=st.none() | instants,
        due_at=st.none() | instants,
    ),
    max_size=8,
)


@given(periods=periods, bills=bills)
def test_agenda_is_in_order_and_complete(
    periods: list[PeriodFacts], bills: list[BillFacts]
) -> None:
    facts = SubscriptionFacts(
        status=SubscriptionStatus.ACTIVE, periods=tuple(periods), bills=tuple(bills)
    )
    agenda = agenda_of(facts)
    waiting = sum(one.status in (PeriodStatus.OPEN, PeriodStatus.CLOSED) for one in periods)
    parked = {one.index for one in periods if one.status is PeriodStatus.PARKED}
    dated = sum(
        (bill.finalize_at is not None) + (bill.due_at is not None)
        for bill in bills
        if bill.period_index not in parked
    )

    assert all(former.order <= later.order for former, later in pairwise(agenda))
    assert all(former.due_at <= later.due_at for former, later in pairwise(agenda))
    assert len(agenda) == waiting + dated


@given(periods=periods, bills=bills, seed=st.randoms(use_true_random=False))
def test_agenda_does_not_depend_on_the_order_of_the_facts(
    periods: list[PeriodFacts], bills: list[BillFacts], seed: Random
) -> None:
    shuffled_periods, shuffled_bills = list(periods), list(bills)
    seed.shuffle(shuffled_periods)
    seed.shuffle(shuffled_bills)

    def agenda(some: list[PeriodFacts], more: list[BillFacts]) -> list[tuple[object, ...]]:
        facts = SubscriptionFacts(
            status=SubscriptionStatus.ACTIVE, periods=tuple(some), bills=tuple(more)
        )
        return [entry.order for entry in agenda_of(facts)]

    assert agenda(periods, bills) == agenda(shuffled_periods, shuffled_bills)
