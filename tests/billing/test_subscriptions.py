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
    Action,
    BillFacts,
    PeriodFacts,
    PeriodStatus,
    SubscriptionFacts,
    SubscriptionStatus,
    agenda_of,
    change_period_status,
    has_ended,
    is_live,
    require_transition,
)
from tests.billing.profiles import supporting

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


@supporting
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


@supporting
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


@pytest.mark.parametrize("status", SubscriptionStatus)
def test_only_a_subscription_that_was_canceled_or_deleted_does_not_live(
    status: SubscriptionStatus,
) -> None:
    is_over = status is SubscriptionStatus.CANCELED

    assert has_ended(status) is has_ended(status.value) is is_over
    assert is_live(status, None) is not is_over
    assert not is_live(status, JANUARY)


@pytest.mark.parametrize("status", SubscriptionStatus)
def test_each_date_of_a_life_is_due_in_the_states_in_which_it_means_something(
    status: SubscriptionStatus,
) -> None:
    facts = SubscriptionFacts(
        status=status,
        trial_ends_at=JANUARY,
        resumes_at=JANUARY,
        change_due_at=JANUARY,
        late_usage_due_at=JANUARY,
        late_usage_period_index=4,
        credit_returns_at=JANUARY,
        credit_recurs_at=JANUARY,
    )
    always = [("apply_change", None), ("settle_late_usage", 4), ("return_credit", None)]
    before = {"TRIAL": [("end_trial", None)], "PAUSED": [("resume", None)]}.get(status, [])
    after = [] if status is SubscriptionStatus.CANCELED else [("grant_credit", None)]

    assert named(facts) == [*before, *always, *after]


def test_nothing_is_due_of_a_subscription_without_dates() -> None:
    for status in SubscriptionStatus:
        assert agenda_of(SubscriptionFacts(status=status)) == ()


def test_a_parked_period_holds_back_its_own_bills_alone() -> None:
    parked = PeriodFacts(index=0, ends_at=FEBRUARY, status=PeriodStatus.PARKED)
    bills = tuple(
        BillFacts(invoice_id=name, period_index=index, finalize_at=MARCH, due_at=MARCH)
        for name, index in (("a", 0), ("b", 1), ("c", None))
    )
    facts = SubscriptionFacts(status=SubscriptionStatus.ACTIVE, periods=(parked,), bills=bills)

    assert [(one.action, one.invoice_id) for one in agenda_of(facts)] == [
        (Action.FINALIZE_INVOICE, "c"),
        (Action.FINALIZE_INVOICE, "b"),
        (Action.PAYMENT_DUE, "c"),
        (Action.PAYMENT_DUE, "b"),
    ]


def test_entries_carry_what_they_are_about() -> None:
    facts = SubscriptionFacts(
        status=SubscriptionStatus.ACTIVE,
        periods=(PeriodFacts(index=3, ends_at=MARCH, status=PeriodStatus.OPEN, revision=7),),
        bills=(BillFacts(invoice_id="a", period_index=2, due_at=FEBRUARY),),
    )

    due, close = agenda_of(facts)

    assert (due.due_at, due.invoice_id, due.period_index, due.revision) == (FEBRUARY, "a", 2, 1)
    assert (close.due_at, close.invoice_id, close.period_index, close.revision) == (
        MARCH,
        None,
        3,
        7,
    )
