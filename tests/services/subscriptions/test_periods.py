"""What becomes of periods at their end, in trials, pauses, cancellations and changes of plan."""

from __future__ import annotations

from datetime import UTC, datetime

from billing.subscriptions import Action
from services.lifecycle import changes, plan_changes
from services.subscriptions import rolling
from tests.services.lives import START, begin_life
from tests.services.shop import NOW, Shop

TENTH = datetime(2025, 1, 10, tzinfo=UTC)
FEBRUARY, MARCH = datetime(2025, 2, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)


def test_closed_period_has_a_successor_that_touches_it(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)

    life.act(life.state().agenda[0])

    first, second = life.period(0), life.period(1)
    assert (first.status, first.ends_at) == ("closed", FEBRUARY)
    assert (second.status, second.starts_at, second.ends_at) == ("open", FEBRUARY, MARCH)


def test_period_whose_end_was_moved_later_stays_open(shop: Shop) -> None:
    life = begin_life(shop)

    life.do(rolling.roll_period, 0, due_at=TENTH, now=NOW)

    assert life.period(0).status == "open"


def test_cancellation_at_period_end_closes_the_last_period(shop: Shop) -> None:
    life = begin_life(shop)
    life.do(changes.cancel_subscription, now=NOW)
    life.send_clock(MARCH)

    state = life.catch_up()

    assert (life.row().status, life.row().ended_at) == ("CANCELED", FEBRUARY)
    assert state.is_over
    assert life.period(0).status == "final"


def test_cancellation_at_once_cuts_the_period_and_bills_it(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(TENTH)
    life.catch_up()

    life.do(changes.cancel_subscription, at_period_end=False, now=NOW)

    assert (life.period(0).status, life.period(0).ends_at) == ("drafted", TENTH)
    assert [entry.action for entry in life.state().agenda] == [Action.FINALIZE_INVOICE]


def test_trial_that_ends_starts_the_first_period_there(shop: Shop) -> None:
    life = begin_life(shop, has_own_trial=True, trial_end_date=TENTH)
    assert [entry.action for entry in life.state().agenda] == [Action.END_TRIAL]
    life.send_clock(TENTH)

    life.catch_up()

    assert (life.row().status, life.period(0).starts_at) == ("ACTIVE", TENTH)


def test_trial_that_was_canceled_ends_without_a_period(shop: Shop) -> None:
    life = begin_life(shop, has_own_trial=True, trial_end_date=TENTH)
    life.do(changes.cancel_subscription, now=NOW)
    life.send_clock(FEBRUARY)

    state = life.catch_up()

    assert (state.status, state.agenda, state.period_index) == ("CANCELED", (), None)


def test_change_at_period_end_takes_effect_at_the_boundary(shop: Shop) -> None:
    life = begin_life(shop)
    other = shop.add_plan("other")
    life.do(plan_changes.change_plan, other.id, at_period_end=True, now=NOW)
    former = life.row().plan_id
    life.send_clock(FEBRUARY)

    life.catch_up()

    assert (life.period(0).plan_id, life.period(1).plan_id) == (former, other.id)


def test_change_at_once_cuts_the_period_at_that_instant(shop: Shop) -> None:
    life = begin_life(shop)
    other = shop.add_plan("other")
    life.send_clock(TENTH)
    life.catch_up()

    life.do(plan_changes.change_plan, other.id, at_period_end=False, now=NOW)

    first, second = life.period(0), life.period(1)
    assert (first.starts_at, first.ends_at) == (START, TENTH)
    assert (second.starts_at, second.ends_at, second.plan_id) == (TENTH, FEBRUARY, other.id)
