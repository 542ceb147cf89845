"""What is void, corrected or given back of a period that was billed as it ran.

*Source: CREDITS 24.*
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import text

from billing.errors import BillingError
from billing.invoicing.kinds import LateUsage
from billing.money import plain_text
from services.invoicing import manual
from services.invoicing.manual import DraftEdit, ManualLine
from services.invoicing.threshold import amounts
from services.lifecycle import changes, reissue
from services.usage import corrections
from tests.services.invoicing.bills import (
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    mark_changed,
    pass_to,
    use,
)
from tests.services.invoicing.commitments.committed import settle_late_usage_by
from tests.services.invoicing.prepaid.drawn import FIFTEENTH, findings, note, void
from tests.services.invoicing.threshold.stepped import (
    begin_past_threshold,
    begin_stepped,
    billed,
    kinds,
    look,
    require_sound,
    shown,
)
from tests.services.shop import NOW, Shop


def test_what_comes_to_less_later_goes_back_on_the_last_bill(shop: Shop) -> None:
    tiers = [{"up_to": 59, "unit_price": Decimal(1)}, {"up_to": None, "unit_price": Decimal("0.5")}]
    life = begin_stepped(shop, charge={"pricing": {"model": "volume", "tiers": tiers}})
    use(life, (5, "58"))
    look(life)
    use(life, (6, "12"))
    pass_to(life, GRACE_OVER)

    [last, *_] = invoices_of(life)
    assert shown(life, last) == [
        ("usage", "35"),
        ("invoiced_before", "-58"),
        ("adjustment", "23"),
    ]
    assert (plain_text(last.total), plain_text(last.carried_credit)) == ("0", "23")
    assert plain_text(billed(life)) == "35"
    require_sound(life)


def test_a_void_one_is_billed_by_the_last_bill(shop: Shop) -> None:
    life, invoice = begin_past_threshold(shop)

    void(life, invoice)
    shop.do(amounts.set_threshold, life.subscription_id, None)
    pass_to(life, GRACE_OVER)

    assert kinds(life)[:2] == [("threshold", "60"), ("period", "60")]
    require_sound(life)


@pytest.mark.parametrize("policy", [LateUsage.NEXT_INVOICE, LateUsage.IGNORE])
def test_a_period_whose_bills_are_all_void_is_owed_nothing_whenever_they_were(
    shop: Shop, policy: LateUsage
) -> None:
    settle_late_usage_by(shop, policy)
    life, first = begin_past_threshold(shop)
    use(life, (6, "90"))
    pass_to(life, GRACE_OVER)
    void(life, next(one for one in invoices_of(life) if one.kind == "period"))
    pass_to(life, datetime(2025, 3, 1, 2, tzinfo=UTC))
    assert plain_text(billed(life)) == "0"

    void(life, first)
    pass_to(life, datetime(2025, 4, 1, 2, tzinfo=UTC))

    assert plain_text(billed(life)) == "0"
    require_sound(life)


@pytest.mark.parametrize("policy", [LateUsage.NEXT_INVOICE, LateUsage.IGNORE])
def test_where_no_bill_follows_a_void_last_one_gives_back_what_the_steps_billed(
    shop: Shop, policy: LateUsage
) -> None:
    settle_late_usage_by(shop, policy)
    life, _ = begin_past_threshold(shop)
    use(life, (6, "90"))
    life.do(partial(changes.cancel_subscription, at_period_end=True), now=NOW)
    pass_to(life, GRACE_OVER)

    void(life, next(one for one in invoices_of(life) if one.kind == "period"))
    pass_to(life, datetime(2025, 2, 3, tzinfo=UTC))

    assert plain_text(billed(life)) == "0"
    require_sound(life)


def test_a_void_one_is_billed_by_the_next_step_which_is_another(shop: Shop) -> None:
    life, first = begin_past_threshold(shop)

    void(life, first)
    again = look(life)
    pass_to(life, GRACE_OVER)

    assert again is not None
    assert (again.revision, plain_text(again.total)) == (-2, "60")
    assert kinds(life)[2] == ("period", "0")
    require_sound(life)


@pytest.mark.parametrize(("which", "left"), [(0, "65"), (1, "75")])
def test_of_two_steps_either_may_be_void(shop: Shop, which: int, left: str) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    look(life)
    use(life, (6, "70"))
    look(life)
    use(life, (7, "5"))

    void(life, life.invoices()[which])
    shop.do(amounts.set_threshold, life.subscription_id, None)
    pass_to(life, GRACE_OVER)

    [last, *_] = invoices_of(life)
    assert plain_text(last.total) == left
    assert plain_text(billed(life)) == "135"
    require_sound(life)


def test_one_that_is_void_after_the_last_bill_is_billed_late(shop: Shop) -> None:
    life, invoice = begin_past_threshold(shop)
    pass_to(life, GRACE_OVER)

    void(life, invoice)
    pass_to(life, FEBRUARY + timedelta(days=40))

    assert plain_text(billed(life)) == "60"
    assert findings(life) == []


def test_what_people_gave_back_of_one_stays_given_back(shop: Shop) -> None:
    life, invoice = begin_past_threshold(shop)

    note(life, invoice, "20")
    use(life, (6, "10"))
    pass_to(life, GRACE_OVER)

    assert kinds(life)[1] == ("period", "10")
    require_sound(life)


def test_no_more_is_given_back_of_a_line_than_it_billed_itself(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    look(life)
    use(life, (6, "10"))
    pass_to(life, GRACE_OVER)
    [last, *_] = invoices_of(life)

    with pytest.raises(BillingError) as refused:
        note(life, last, "10.01")
    note(life, last, "10")

    assert refused.value.code == "credit_exceeds_line"
    assert findings(life) == []


def test_usage_that_is_void_after_it_was_billed_goes_back(shop: Shop) -> None:
    life = begin_stepped(shop)
    [event] = [life.use(FIFTEENTH, 60)]
    look(life)
    life.use(FIFTEENTH, 20)

    shop.do(corrections.void_usage, event.id)
    pass_to(life, GRACE_OVER)

    [last, *_] = invoices_of(life)
    assert shown(life, last)[:2] == [("usage", "20"), ("invoiced_before", "-60")]
    assert plain_text(billed(life)) == "20"
    require_sound(life)


def test_usage_that_is_void_after_all_is_final_is_credited_where_it_was_billed(shop: Shop) -> None:
    life = begin_stepped(shop)
    event = life.use(FIFTEENTH, 60)
    look(life)
    life.use(FIFTEENTH, 20)
    pass_to(life, GRACE_OVER)

    shop.do(corrections.void_usage, event.id)
    mark_changed(life, FIFTEENTH)
    pass_to(life, FEBRUARY + timedelta(days=40))

    assert plain_text(billed(life)) == "20"
    assert findings(life) == []


def test_a_draft_that_is_rated_again_takes_off_what_is_not_void(shop: Shop) -> None:
    life, invoice = begin_past_threshold(shop)
    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)
    assert plain_text(draft.total) == "0"

    void(life, invoice)
    pass_to(life, GRACE_OVER)

    [last, *_] = invoices_of(life)
    assert plain_text(last.total) == "60"
    require_sound(life)


def test_lines_of_a_draft_that_takes_off_others_are_not_written_by_hand(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    look(life)
    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)
    line = ManualLine(description="Agreed", quantity=Decimal(1), unit_amount=Decimal(5))

    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(text("UPDATE customer SET billing_address_country = 'GB'"))
    with pytest.raises(BillingError) as refused:
        shop.do(manual.edit_draft, draft.id, DraftEdit(lines=(line,)))

    assert refused.value.code == "invoiced_before"


def test_a_last_bill_that_is_void_and_issued_again_takes_off_the_same(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    look(life)
    use(life, (6, "10"))
    pass_to(life, GRACE_OVER)
    [last, *_] = invoices_of(life)

    void(life, last)
    again = shop.do(reissue.reissue_invoice, last.id)

    assert plain_text(again.total) == "10"
    assert findings(life) == []
