"""What bills drew of credit goes back: by voids, credit notes and corrections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from billing.errors import InvalidTransition
from billing.money import plain_text
from services.documents import assembly
from services.invoicing import payment_status
from services.lifecycle import changes
from tests.services.invoicing.bills import (
    GRACE_OVER,
    invoices_of,
    mark_changed,
    pass_to,
    use,
)
from tests.services.invoicing.prepaid.drawn import (
    FIFTEENTH,
    amounts,
    eighty_billed,
    findings,
    give,
    movements,
    note,
    parts,
    void,
)
from tests.services.lives import begin_life
from tests.services.shop import NOW, Shop


def test_what_credit_alone_has_paid_may_be_void_and_gives_it_back(shop: Shop) -> None:
    life, final = eighty_billed(shop, "100")
    assert findings(life) == []

    voided = void(life, final)

    assert (voided.status, voided.amount_due, voided.paid_at) == ("VOID", 0, None)
    assert movements(life) == [("granted", "100"), ("drawn", "-80"), ("returned", "80")]
    assert findings(life) == []


def test_what_goes_back_to_a_grant_that_is_over_lives_on_only_if_asked(shop: Shop) -> None:
    life, final = eighty_billed(shop, "100", expires_at=FIFTEENTH)

    void(life, final, extend_days=3)

    assert movements(life)[-3:] == [("returned", "80"), ("rolled", "-80"), ("granted", "80")]
    assert findings(life) == []


def test_what_money_has_paid_stays_paid(shop: Shop) -> None:
    life, final = eighty_billed(shop, "30")
    shop.do(payment_status.pay, final.id)

    with pytest.raises(InvalidTransition):
        void(life, final)
    assert findings(life) == []


def test_a_note_gives_back_to_the_grants_that_paid(shop: Shop) -> None:
    life, final = eighty_billed(shop, "100")

    assert parts(note(life, final, "30")) == ("30", "0", "0")
    assert movements(life)[-1] == ("returned", "30")
    assert findings(life) == []


def test_a_note_lowers_what_is_due_before_it_gives_credit_back(shop: Shop) -> None:
    life, final = eighty_billed(shop, "30")

    assert parts(note(life, final, "20")) == ("0", "20", "0")
    assert parts(note(life, final, "40")) == ("10", "30", "0")
    assert parts(note(life, final, "15")) == ("15", "0", "0")
    assert movements(life)[2:] == [("returned", "10"), ("returned", "15")]
    assert findings(life) == []


def test_a_note_on_what_money_and_credit_have_paid_gives_back_in_proportion(shop: Shop) -> None:
    life, final = eighty_billed(shop, "30")
    shop.do(payment_status.pay, final.id)

    assert parts(note(life, final, "40")) == ("15", "25", "0")
    assert parts(note(life, final, "0.01")) == ("0", "0.01", "0")
    assert parts(note(life, final, "39.99")) == ("15", "24.99", "0")
    assert findings(life) == []


def test_a_note_shows_what_goes_back_to_grants(shop: Shop) -> None:
    life, final = eighty_billed(shop, "30")
    shop.do(payment_status.pay, final.id)
    made = note(life, final, "40")

    document = shop.read(assembly.read_credit_note, made.id)

    assert (document.subtotal, document.total) == (40, 25)
    assert document.prepaid is not None
    assert document.prepaid.amount == 15


def test_a_correction_gives_back_to_the_grants_that_paid_and_makes_no_money(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "80")
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    use(life, (6, "-30"), late=True)
    mark_changed(life, datetime(2025, 1, 6, tzinfo=UTC))

    pass_to(life, GRACE_OVER + timedelta(days=28))

    [_, final, *_] = invoices_of(life)
    assert (amounts(final), plain_text(final.carried_credit)) == (["0", "0", "0", "0"], "0")
    assert movements(life)[1:] == [("drawn", "-80"), ("returned", "30")]
    assert findings(life) == []


def test_a_correction_after_the_last_invoice_makes_no_money_of_credit(shop: Shop) -> None:
    life = begin_life(shop)
    give(life, "80")
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    life.do(changes.cancel_subscription, at_period_end=False, now=NOW)
    life.catch_up()
    pass_to(life, GRACE_OVER + timedelta(days=1))
    use(life, (6, "-30"), late=True)
    mark_changed(life, datetime(2025, 1, 6, tzinfo=UTC))

    pass_to(life, GRACE_OVER + timedelta(days=28))

    assert [plain_text(one.carried_credit) for one in life.invoices()] == ["0", "0"]
    assert movements(life)[1:] == [("drawn", "-80"), ("returned", "30")]
    assert findings(life) == []
