"""A test clock stands still only when everything that was due by then has happened."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session

from billing.errors import Conflict, InvalidInput, NotFound
from repositories.subscriptions.clocks import lock_clock
from repositories.subscriptions.subscriptions import lock_subscription
from runtime.embedded.processes import wait_until
from services.lifecycle import changes
from services.subscriptions import clocks
from tests.services.lives import START, Life, begin_life
from tests.services.shop import NOW, Shop

FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)
MARCH = datetime(2025, 3, 1, tzinfo=UTC)


def shape(life: Life) -> list[tuple[object, ...]]:
    """The first three periods, as they became."""
    periods = [life.period(index) for index in (0, 1, 2)]
    return [(one.starts_at, one.ends_at, one.status, one.closed_at) for one in periods]


def test_clock_advances_until_the_last_workflow_has_reported(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)
    assert shop.read(clocks.get_clock, life.clock_id).is_advancing

    life.catch_up()

    reading = shop.read(clocks.get_clock, life.clock_id)
    assert (reading.is_advancing, reading.frozen_time) == (False, FEBRUARY)


def test_report_before_the_work_is_done_does_not_stop_the_clock(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)

    life.do(clocks.record_progress, FEBRUARY)

    assert shop.read(clocks.get_clock, life.clock_id).is_advancing
    assert life.row().completed_through is None


def test_progress_never_moves_back(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)
    life.catch_up()

    life.do(clocks.record_progress, START)

    assert life.row().completed_through == FEBRUARY


def test_one_jump_bills_what_many_small_ones_do(shop: Shop, other_shop: Shop) -> None:
    jumping, stepping = begin_life(shop), begin_life(other_shop)
    jumping.send_clock(MARCH)
    jumping.catch_up()
    now = START
    while now < MARCH:
        now = min(MARCH, now + timedelta(days=7))
        stepping.send_clock(now)
        stepping.catch_up()

    assert shape(jumping) == shape(stepping)


def test_clock_without_subscriptions_arrives_at_once(shop: Shop) -> None:
    clock = shop.do(clocks.create_clock, "alone", START)

    reading = shop.do(clocks.advance_clock, clock.id, FEBRUARY)

    assert (reading.is_advancing, reading.frozen_time) == (False, FEBRUARY)


def test_second_advance_is_refused_while_the_first_goes_on(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)

    with pytest.raises(Conflict) as refused:
        life.send_clock(MARCH)

    assert refused.value.code == "test_clock_advancing"


def test_clock_does_not_go_back(shop: Shop) -> None:
    clock = shop.do(clocks.create_clock, "forward", FEBRUARY)

    with pytest.raises(InvalidInput) as refused:
        shop.do(clocks.advance_clock, clock.id, START)

    assert refused.value.field == "frozen_time"


def test_nothing_is_changed_by_hand_while_the_clock_advances(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)

    with pytest.raises(Conflict) as refused:
        life.do(changes.cancel_subscription, now=NOW)

    assert refused.value.code == "test_clock_advancing"


def test_deleted_clock_ends_its_subscriptions_without_a_bill(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)

    shop.do(clocks.delete_clock, life.clock_id)

    assert (life.row().status, life.period(0).status) == ("CANCELED", "skipped")
    assert life.state().agenda == ()
    with pytest.raises(NotFound):
        shop.read(clocks.get_clock, life.clock_id)


def test_change_waits_for_the_clock_before_it_holds_its_subscription(shop: Shop) -> None:
    life = begin_life(shop)
    with (
        ThreadPoolExecutor(max_workers=1) as other,
        shop.transactions.for_organization(shop.organization_id) as session,
    ):
        lock_clock(session, shop.organization_id, life.clock_id)
        change = other.submit(life.do, changes.cancel_subscription, at_period_end=True, now=NOW)
        until_somebody_waits_for_a_lock(session)
        session.execute(text("SET LOCAL lock_timeout = '2s'"))
        lock_subscription(session, shop.organization_id, life.subscription_id)
        session.commit()
        change.result(10)

    assert life.row().cancel_at_period_end


def until_somebody_waits_for_a_lock(session: Session) -> None:
    waiting = text("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")
    assert wait_until(lambda: bool(session.scalar(waiting)), timeout_seconds=10)
