"""A bill that a broken rule stopped is set aside, and brought on again to where it stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from billing.errors import Conflict
from billing.subscriptions import Action
from repositories.invoicing import invoices
from services.audit_log import ACTOR
from services.invoicing import manual, parking
from services.subscriptions.timeline import TimelineEntry, read_timeline
from tests.services.lives import Life, begin_life
from tests.services.shop import NOW, Shop

FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)
MARCH = datetime(2025, 3, 1, tzinfo=UTC)
APRIL = datetime(2025, 4, 1, tzinfo=UTC)


def park(life: Life, index: int, step: str) -> None:
    life.do(
        parking.park_bill,
        period_index=index,
        step=step,
        reason="a broken rule",
        at=FEBRUARY,
        now=NOW,
    )


def retry(life: Life, index: int) -> None:
    life.do(parking.retry_bill, index, now=NOW)


def skip(life: Life, index: int) -> None:
    life.do(parking.skip_bill, index, reason="agreed with the customer", now=NOW)


def actions(life: Life) -> list[tuple[Action, int | None]]:
    return [(entry.action, entry.period_index) for entry in life.state().agenda]


def test_parked_bill_leaves_the_agenda_and_the_next_period_stays(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)
    life.act(life.state().agenda[0])

    park(life, 0, "price_usage")

    assert actions(life) == [(Action.CLOSE_PERIOD, 1)]
    assert life.state().attention == ("period 0 at price_usage: a broken rule",)


def test_parking_again_keeps_the_first_reason(shop: Shop) -> None:
    life = begin_life(shop)
    park(life, 0, "price_usage")

    park(life, 0, "issue_invoice")

    assert life.period(0).parked_step == "price_usage"


def test_retried_bill_starts_again_as_a_new_revision(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)
    life.act(life.state().agenda[0])
    park(life, 0, "price_usage")

    retry(life, 0)

    first = life.state().agenda[0]
    assert (first.action, first.period_index, first.revision) == (Action.BILL_PERIOD, 0, 2)


def test_period_that_could_not_be_closed_is_closed_on_retry_and_has_a_successor(
    shop: Shop,
) -> None:
    life = begin_life(shop)
    life.send_clock(MARCH)
    park(life, 0, "roll_period")

    retry(life, 0)
    life.catch_up()

    assert life.period(0).status == "drafted" or life.period(0).status == "final"
    assert life.period(1).starts_at == FEBRUARY
    assert life.period(2).starts_at == MARCH


def test_skipping_a_period_that_could_not_be_closed_opens_its_successor(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)
    park(life, 0, "roll_period")

    skip(life, 0)

    assert life.period(0).status == "skipped"
    assert life.period(1).status == "open"


def test_running_period_cannot_be_skipped(shop: Shop) -> None:
    life = begin_life(shop)
    park(life, 0, "roll_period")

    with pytest.raises(Conflict) as refused:
        skip(life, 0)

    assert refused.value.code == "period_not_over"


def test_retried_finalization_goes_on_with_the_same_draft(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)
    life.act(life.state().agenda[0])
    life.act(life.state().agenda[0])
    park(life, 0, "finalize_invoice")

    retry(life, 0)

    assert (life.period(0).status, life.period(0).revision) == ("drafted", 1)
    assert actions(life)[0] == (Action.FINALIZE_INVOICE, 0)


def test_retry_after_the_invoice_was_finalized_leaves_its_period_final(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY + timedelta(hours=1))
    life.catch_up()
    park(life, 0, "mark_past_due")

    retry(life, 0)

    assert life.period(0).status == "final"


def test_bill_that_is_not_parked_is_neither_retried_nor_skipped(shop: Shop) -> None:
    life = begin_life(shop)

    for refuse in (retry, skip):
        with pytest.raises(Conflict) as refused:
            refuse(life, 0)
        assert refused.value.code == "bill_not_parked"


def test_draft_that_was_deleted_meanwhile_is_not_parked_for_being_gone(shop: Shop) -> None:
    life = begin_life(shop)
    life.send_clock(FEBRUARY)
    life.catch_up()
    due = next(one for one in life.state().agenda if one.action is Action.FINALIZE_INVOICE)
    [draft] = shop.read(invoices.list_waiting_invoices, life.subscription_id)
    shop.do(manual.delete_draft, draft.id)

    state = life.act(due)

    assert state.attention == ()
    assert life.period(0).status == "unbilled"


def told(life: Life, action: str) -> list[TimelineEntry]:
    found = life.shop.read(read_timeline, life.subscription_id)
    return [one for one in found.past if one.action == action]


def test_timeline_says_what_people_did_about_it_who_and_why(shop: Shop) -> None:
    def skip_as(session: Session, *args: Any, **options: Any) -> None:
        session.info[ACTOR] = "user:0190"
        parking.skip_bill(session, *args, **options)

    life = begin_life(shop)
    life.send_clock(FEBRUARY)
    life.act(life.state().agenda[0])
    park(life, 0, "price_usage")
    retry(life, 0)
    park(life, 0, "price_usage")
    life.do(skip_as, 0, reason="agreed with the customer", now=NOW + timedelta(seconds=1))

    [retried] = told(life, "bill_retried")
    [skipped] = told(life, "bill_skipped")

    assert (retried.at, retried.period_index, retried.detail) == (FEBRUARY, 0, None)
    assert retried.actor == "system"
    assert (skipped.at, skipped.period_index) == (FEBRUARY, 0)
    assert (skipped.actor, skipped.detail) == ("user:0190", "agreed with the customer")
    assert {one.actor for one in told(life, "needs_attention")} == {None}
