"""Add-ons through a subscription's life: previews, drafts, final bills, and their proofs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from billing.errors import InvalidTransition
from billing.invoicing.invoices import InvoiceStatus
from billing.money import plain_text
from repositories.accounts import organizations
from services.invoicing import payment_status, previews, proofs
from services.invoicing.threshold import amounts, bills
from services.lifecycle import add_ons, changes, plan_changes, reissue
from tests.services.invoicing.bills import (
    ELEVENTH,
    FEBRUARY,
    GRACE_OVER,
    TWENTY_FIRST,
    bill_at,
    invoices_of,
    mark_changed,
    pass_to,
    use,
)
from tests.services.lives import begin_life
from tests.services.seats import attach, change, end, lines, require_sound
from tests.services.shop import NOW, Shop

MARCH = datetime(2025, 3, 1, 2, tzinfo=UTC)


def test_quantities_that_change_are_each_billed_for_their_days(shop: Shop) -> None:
    life = begin_life(shop)
    add_on = attach(life)
    pass_to(life, ELEVENTH)
    change(life, add_on, "5")
    pass_to(life, TWENTY_FIRST)

    preview = shop.read(previews.preview_invoice, life.subscription_id, at=None)
    cut = shop.read(previews.preview_invoice, life.subscription_id, at=TWENTY_FIRST)
    end(life, add_on)
    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)
    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    expected = [("proration", "3", "30"), ("proration", "5", "50")]
    assert lines(life, draft) == lines(life, final) == expected
    assert [plain_text(one.line_total) for one in preview.totals.lines][1:] == ["30", "105"]
    assert [plain_text(one.line_total) for one in cut.totals.lines][1:] == ["30", "50"]
    assert plain_text(final.total) == "80"
    require_sound(life)


def test_a_whole_period_is_no_proration(shop: Shop) -> None:
    life = begin_life(shop)
    attach(life, "2.5")

    pass_to(life, MARCH)

    assert [lines(life, one) for one in invoices_of(life)][:2] == [[("fixed", "2.5", "77.5")]] * 2


def test_edits_leave_bills_alone_that_were_made_before(shop: Shop) -> None:
    life = begin_life(shop)
    add_on = attach(life)
    pass_to(life, FEBRUARY)

    change(life, add_on, "9")
    end(life, add_on)
    pass_to(life, GRACE_OVER)

    [january, *_] = invoices_of(life)
    assert lines(life, january) == [("fixed", "3", "93")]
    require_sound(life)


def test_a_void_bill_is_made_again_with_the_same_add_ons(shop: Shop) -> None:
    life = begin_life(shop)
    add_on = attach(life)
    pass_to(life, GRACE_OVER)
    end(life, add_on)
    [january, *_] = invoices_of(life)
    shop.do(partial(payment_status.change_status, note=None), january.id, InvoiceStatus.VOID)
    life.catch_up()

    again = shop.do(reissue.reissue_invoice, january.id)

    assert lines(life, again) == [("fixed", "3", "93")]


def test_late_usage_of_a_period_corrects_nothing_of_its_add_ons(shop: Shop) -> None:
    life = begin_life(shop)
    add_on = attach(life)
    pass_to(life, GRACE_OVER)
    change(life, add_on, "4")
    use(life, (5, "7"), late=True)
    mark_changed(life, datetime(2025, 1, 5, tzinfo=UTC))

    pass_to(life, MARCH)

    _, february, *_ = invoices_of(life)
    assert lines(life, february) == [("fixed", "4", "124"), ("late_usage", "1", "7")]
    require_sound(life)


def test_a_bill_now_has_its_part_and_the_rest_has_the_rest(shop: Shop) -> None:
    life = begin_life(shop)
    attach(life)

    bill_at(life, ELEVENTH)
    pass_to(life, GRACE_OVER)

    first, rest, *_ = invoices_of(life)
    assert lines(life, first) == [("proration", "3", "30")]
    assert lines(life, rest) == [("proration", "3", "63")]
    require_sound(life)


def test_another_plan_leaves_add_ons_attached(shop: Shop) -> None:
    life = begin_life(shop)
    add_on = attach(life)
    other = shop.add_plan("other")
    pass_to(life, ELEVENTH)

    preview = life.do(plan_changes.preview_change, other.id, at_period_end=False, now=NOW)
    life.do(plan_changes.change_plan, other.id, at_period_end=False, now=NOW)
    pass_to(life, GRACE_OVER)

    assert preview is not None
    first, rest, *_ = invoices_of(life)
    assert [plain_text(one.line_total) for one in preview.lines] == ["0", "30"]
    assert lines(life, first) == [("proration", "3", "30")]
    assert lines(life, rest) == [("proration", "3", "63")]
    assert life.do(add_ons.get_add_on, add_on.row.id).newest.quantity == 3
    require_sound(life)


def test_paused_days_are_taken_off(shop: Shop) -> None:
    life = begin_life(shop)
    attach(life)
    pass_to(life, ELEVENTH)
    life.do(changes.pause_subscription, now=NOW)
    pass_to(life, TWENTY_FIRST)
    life.do(changes.resume_subscription, now=NOW)

    pass_to(life, GRACE_OVER)

    [january, *_] = invoices_of(life)
    assert lines(life, january) == [("proration", "3", "63")]


def test_a_canceled_subscription_bills_its_add_ons_until_then_and_takes_no_more(
    shop: Shop,
) -> None:
    life = begin_life(shop)
    add_on = attach(life)
    pass_to(life, ELEVENTH)
    life.do(changes.cancel_subscription, at_period_end=False, now=NOW)
    life.catch_up()

    [last] = invoices_of(life)
    assert lines(life, last) == [("proration", "3", "30")]
    for edit in (attach, partial(change, add_on=add_on, quantity="4"), partial(end, add_on=add_on)):
        with pytest.raises(InvalidTransition):
            edit(life)


def test_a_trial_bills_nothing_and_what_is_attached_goes_on(shop: Shop) -> None:
    life = begin_life(shop, has_own_trial=True, trial_end_date=ELEVENTH)
    attach(life)

    pass_to(life, ELEVENTH + timedelta(days=31, hours=2))

    [first, *_] = invoices_of(life)
    assert lines(life, first) == [("fixed", "3", "93")]


def test_by_the_second_where_the_organization_says_so(shop: Shop) -> None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        organizations.get_organization(session, shop.organization_id).proration = "second"
    life = begin_life(shop)
    pass_to(life, datetime(2025, 1, 16, 12, tzinfo=UTC))
    attach(life, "2")

    pass_to(life, GRACE_OVER)

    [january, *_] = invoices_of(life)
    assert lines(life, january) == [("proration", "2", "31")]
    require_sound(life)


def test_a_bill_of_a_period_that_runs_leaves_add_ons_to_the_last_one(shop: Shop) -> None:
    life = begin_life(shop)
    attach(life)
    life.do(amounts.set_threshold, Decimal(50), now=NOW)
    pass_to(life, ELEVENTH)
    use(life, (5, "80"))

    step = life.do(bills.bill_if_reached, now=NOW)
    pass_to(life, GRACE_OVER)

    assert step is not None
    assert lines(life, step) == []
    [january, *_] = invoices_of(life)
    assert ("fixed", "3", "93") in lines(life, january)
    assert [plain_text(one.total) for one in (step, january)] == ["80", "93"]
    assert shop.do(proofs.verify, step.id).difference is None
    require_sound(life)
