"""What a workflow reads, and what it finds done already when the API was faster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from billing.subscriptions import Action
from models.subscriptions import clocks
from services.lifecycle import changes
from tests.services.lives import START, begin_life
from tests.services.shop import NOW, Shop

TENTH, TWENTIETH = datetime(2025, 1, 10, tzinfo=UTC), datetime(2025, 1, 20, tzinfo=UTC)
FEBRUARY, MARCH = datetime(2025, 2, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)


def test_new_subscription_waits_for_the_end_of_its_first_period(shop: Shop) -> None:
    state = begin_life(shop).state()

    assert [(one.action, one.due_at) for one in state.agenda] == [(Action.CLOSE_PERIOD, FEBRUARY)]
    assert (state.status, state.period_index, state.clock_at) == ("ACTIVE", 0, START)


def test_cancellation_says_when_it_ends_the_subscription(shop: Shop) -> None:
    life = begin_life(shop)

    life.do(changes.cancel_subscription, at_period_end=True, now=NOW)
    canceled = life.state()
    life.do(changes.reactivate_subscription, now=NOW)

    assert (canceled.status, canceled.cancels_at) == ("ACTIVE", FEBRUARY)
    assert life.state().cancels_at is None


def test_every_entry_can_be_performed_twice(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(MARCH + timedelta(days=40))
    state = life.state()
    while state.agenda and state.clock_at and state.agenda[0].due_at <= state.clock_at:
        entry = state.agenda[0]
        state = life.act(entry)

        assert life.act(entry) == state


def test_entry_that_comes_back_much_later_changes_nothing(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(MARCH + timedelta(days=40))
    performed = []
    state = life.state()
    while state.agenda and state.clock_at and state.agenda[0].due_at <= state.clock_at:
        performed.append(state.agenda[0])
        state = life.act(state.agenda[0])

    for entry in performed:
        assert life.act(entry) == state


def test_pause_that_is_over_has_ended_before_anything_is_asked(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(TENTH)
    life.catch_up()
    life.do(changes.pause_subscription, resume_at=TWENTIETH, now=NOW)
    life.send_clock(TWENTIETH - timedelta(seconds=1))
    life.catch_up()
    with shop.transactions.for_organization(shop.organization_id) as session:
        # The wall's time passes without anybody's leave; here it does so on the clock.
        clock = session.get(clocks.TestClock, (shop.organization_id, life.clock_id))
        assert clock is not None
        clock.frozen_time = TWENTIETH + timedelta(days=1)

    life.do(changes.cancel_subscription, now=NOW)

    assert life.row().status == "ACTIVE"
    assert life.row().resume_at is None
