"""What the page on corrections works out comes true (docs/concepts/corrections.md)."""

from __future__ import annotations

from billing.invoicing.invoices import InvoiceStatus
from services.lifecycle.reissue import reissue_invoice
from services.usage.corrections import void_usage
from tests.services.corrections.late import APRIL, FEBRUARY, MARCH, TENTH, Late
from tests.services.shop import Shop


def test_what_people_gave_back_is_not_given_back_again(shop: Shop) -> None:
    late = Late(shop)
    event = late.use(TENTH, 100)
    late.advance(FEBRUARY)
    late.credit(late.invoices()[0], 80)

    shop.do(void_usage, event.id)
    late.advance(MARCH)
    assert [line.carried_credit for line in late.invoices()] == [0, 20]

    late.use(TENTH, 100)
    late.advance(APRIL)
    assert late.owed() == 20


def test_credit_note_dies_with_its_voided_invoice(shop: Shop) -> None:
    late = Late(shop)
    late.use(TENTH, 100)
    late.advance(FEBRUARY)
    [january] = late.invoices()
    late.credit(january, 80)
    assert late.invoices()[0].amount_due == 20

    late.change(january, InvoiceStatus.VOID)
    assert [(one.status, one.total, one.amount_due) for one in late.invoices()] == [
        ("VOID", 100, 0)
    ]

    again = shop.do(reissue_invoice, january.id)
    assert (again.total, again.amount_due) == (100, 100)
