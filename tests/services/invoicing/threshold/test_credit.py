"""Prepaid credit pays each invoice of a period what was used while it lived, and nothing twice.

*Source: CREDITS 24.*
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from billing.invoicing.invoices import InvoiceStatus
from billing.money import plain_text
from services.corrections.credit_notes import CreditedLine
from services.invoicing import payment_status
from tests.services.invoicing.bills import (
    GRACE_OVER,
    invoices_of,
    pass_to,
    use,
)
from tests.services.invoicing.own_units.test_so_far import accrued
from tests.services.invoicing.prepaid.drawn import FIFTEENTH, findings, give, rows
from tests.services.invoicing.threshold.stepped import (
    begin_stepped,
    lines_of,
    look,
    require_sound,
)
from tests.services.lives import Life
from tests.services.shop import Shop


def test_credit_pays_each_of_what_was_used_while_it_lived(shop: Shop) -> None:
    life = begin_stepped(shop)
    ended = give(life, "40", expires_at=FIFTEENTH)
    lasting = give(life, "30")
    use(life, (5, "60"))
    first = look(life)
    assert first is not None
    assert {one.grant_id: plain_text(one.amount) for one in rows(life, first)} == {
        ended: "40",
        lasting: "20",
    }
    assert first.status == InvoiceStatus.PAID

    use(life, (20, "25"))
    assert accrued(life, "USD") == "10"
    pass_to(life, GRACE_OVER)

    [last, *_] = invoices_of(life)
    assert {one.grant_id: plain_text(one.amount) for one in rows(life, last)} == {lasting: "10"}
    assert plain_text(last.amount_due) == "15"
    require_sound(life)


def test_credit_that_comes_later_does_not_pay_what_was_invoiced_before(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"), (20, "30"))
    look(life)
    use(life, (21, "10"))

    give(life, "95")
    pass_to(life, GRACE_OVER)

    [last, *_] = invoices_of(life)
    assert [plain_text(one.amount) for one in rows(life, last)] == ["10"]
    assert plain_text(last.carried_credit) == "0"
    require_sound(life)


def test_credit_goes_back_in_the_proportion_in_which_an_invoice_was_paid(shop: Shop) -> None:
    life = begin_stepped(shop)
    use(life, (5, "60"))
    look(life)
    give(life, "6")
    use(life, (6, "12"))
    pass_to(life, GRACE_OVER)
    [last, *_] = invoices_of(life)
    shop.do(payment_status.pay, last.id)

    [line, *_] = lines_of(life, last)
    credited = [CreditedLine(line_id=line.id, amount=Decimal(4))]
    made = shop.do(partial(payment_status.credit, reason="Goodwill"), last.id, credited)

    # Of the 12 that this invoice billed itself a grant paid 6.
    assert (plain_text(made.credits_before_tax), plain_text(made.subtotal)) == ("2", "2")
    assert findings(life) == []


def test_what_accrues_of_a_month_is_what_was_not_invoiced(shop: Shop) -> None:
    life: Life = begin_stepped(shop)
    give(life, "100")
    use(life, (5, "60"))
    look(life)
    use(life, (6, "10"))

    assert accrued(life, "USD") == "10"
