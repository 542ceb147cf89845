"""An invoice at a threshold that is void for good after the last bill of its period.

*Source: CREDITS 24, CONTRACT 85.*
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.money import plain_text
from models.invoicing.invoices import Invoice
from services.lifecycle import reissue
from tests.services.invoicing.bills import (
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    mark_changed,
    pass_to,
    use,
)
from tests.services.invoicing.prepaid.drawn import FIFTEENTH, findings, void
from tests.services.invoicing.threshold.stepped import (
    begin_past_threshold,
    begin_stepped,
    billed,
    look,
)
from tests.services.lives import Life
from tests.services.shop import Shop


def sixty_then_ninety(shop: Shop) -> tuple[Life, Invoice]:
    """60 were billed at a threshold, and 90 more by the last bill, which is final."""
    life, invoice = begin_past_threshold(shop)
    use(life, (6, "40"))
    use(life, (7, "50"))
    pass_to(life, GRACE_OVER)
    return life, invoice


def test_what_is_void_for_good_is_billed_by_nobody(shop: Shop) -> None:
    life, invoice = sixty_then_ninety(shop)

    void(life, invoice, settles_again=False)
    pass_to(life, FEBRUARY + timedelta(days=40))

    assert plain_text(billed(life)) == "90"
    assert findings(life) == []


def test_usage_beyond_what_is_void_for_good_is_billed(shop: Shop) -> None:
    life, invoice = sixty_then_ninety(shop)

    void(life, invoice, settles_again=False)
    life.use(FIFTEENTH, 10)
    mark_changed(life, FIFTEENTH)
    pass_to(life, FEBRUARY + timedelta(days=40))

    assert plain_text(billed(life)) == "100"
    assert findings(life) == []


@pytest.mark.parametrize(("which", "left"), [([0], "75"), ([1], "65"), ([1, 0], "5")])
def test_each_of_two_steps_forgives_what_it_billed_itself(
    shop: Shop, which: list[int], left: str
) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    look(life)
    use(life, (6, "70"))
    look(life)
    use(life, (7, "5"))
    pass_to(life, GRACE_OVER)
    invoices = life.invoices()

    for place in which:
        void(life, invoices[place], settles_again=False)
    pass_to(life, FEBRUARY + timedelta(days=40))

    assert plain_text(billed(life)) == left
    assert findings(life) == []


def test_a_last_bill_that_is_issued_again_forgives_it_too(shop: Shop) -> None:
    life, invoice = sixty_then_ninety(shop)
    [last, *_] = invoices_of(life)

    void(life, invoice, settles_again=False)
    void(life, last)
    shop.do(reissue.reissue_invoice, last.id)
    life.catch_up()
    pass_to(life, FEBRUARY + timedelta(days=40))

    assert plain_text(billed(life)) == "90"
    assert findings(life) == []


def test_what_is_void_for_good_before_the_last_bill_is_billed_by_that(shop: Shop) -> None:
    life, invoice = begin_past_threshold(shop)

    void(life, invoice, settles_again=False)
    pass_to(life, FEBRUARY + timedelta(days=40))

    assert plain_text(billed(life)) == "60"
    assert findings(life) == []
