"""What was not spent of a purchase goes back, and what was stays due."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest

from billing.credits.expiry import Rollover
from billing.credits.grants import GrantStatus, Spendable
from billing.errors import Conflict, InvalidInput
from billing.invoicing.invoices import InvoiceStatus
from models.invoicing.credit_notes import CreditNote
from repositories.invoicing import credit_notes as stored_credit_notes
from services.corrections import purchases
from services.corrections.credit_notes import CreditedLine
from services.credits.standing import GrantReading
from services.invoicing import payment_status
from services.purchases.hourly import look_after
from tests.services.credits.purse import BEGIN, DAY
from tests.services.purchases.till import Till


def end(till: Till, sold: GrantReading, *, refund: bool = True) -> GrantReading:
    """The grant is ended before its time."""
    return till.purse.shop.do(partial(purchases.end_grant, refund=refund), sold.row.id)


def notes_of(till: Till, invoice_id: UUID | None) -> list[CreditNote]:
    """What gave back of an invoice."""
    return list(till.purse.shop.read(stored_credit_notes.list_credit_notes, invoice_id))


def spend(till: Till, amount: str) -> None:
    """So much is used, by a hold that is settled."""
    till.purse.settle(till.purse.hold(amount).id, amount)


def test_a_refund_gives_back_the_money_of_what_is_left_and_no_more(till: Till) -> None:
    sold = till.sell("1000", "10.00")
    till.pay(sold.row.invoice_id, "10.00")
    spend(till, "250")

    ended = end(till, sold)
    again = end(till, sold)

    assert (ended.status, ended.rest) == (GrantStatus.ENDED, Decimal(0))
    assert again == ended
    [note] = notes_of(till, sold.row.invoice_id)
    assert (note.total, note.kind) == (Decimal("7.50"), "purchase")
    assert till.purse.movements()[-1] == ("refunded", Decimal(-750))


@pytest.mark.parametrize(("spent", "refunded"), [("1", "6.67"), ("2", "3.33")])
def test_thirds_come_to_the_whole_to_the_cent(till: Till, spent: str, refunded: str) -> None:
    """Of 3 that cost 10.00, the first costs 3.33, the second 3.34, the third 3.33."""
    sold = till.sell("3", "10.00")
    till.pay(sold.row.invoice_id, "10.00")
    spend(till, spent)

    end(till, sold)

    [note] = notes_of(till, sold.row.invoice_id)
    assert note.total == Decimal(refunded)


def test_what_rolled_over_is_refunded_on_the_invoice_that_sold_it(till: Till) -> None:
    rollover = Rollover(max=Decimal(400))
    sold = till.sell("1000", "10.00", expires_at=BEGIN + DAY, rollover=rollover)
    till.pay(sold.row.invoice_id, "10.00")
    till.purse.expire(now=BEGIN + 2 * DAY)
    [lot] = till.purse.balance(now=BEGIN + 2 * DAY).lots

    till.purse.shop.do(partial(purchases.end_grant, refund=True), lot.grant_id, now=BEGIN + 2 * DAY)

    [note] = notes_of(till, sold.row.invoice_id)
    assert note.total == Decimal("4.00")


def test_what_is_ended_without_a_refund_is_not_refunded_later(till: Till) -> None:
    sold = till.sell("1000", "10.00")
    till.pay(sold.row.invoice_id, "10.00")
    end(till, sold, refund=False)

    with pytest.raises(Conflict) as refused:
        end(till, sold)

    assert refused.value.code == "grant_ended"


def test_what_nobody_paid_for_is_not_refunded(till: Till) -> None:
    given = till.purse.grant("5")

    with pytest.raises(InvalidInput) as refused:
        end(till, given)

    assert (refused.value.code, refused.value.field) == ("refund_of_free_credit", "refund")


def test_ending_a_purchase_that_waits_for_its_money_voids_it(till: Till) -> None:
    sold = till.sell("1000", "10.00")

    ended = end(till, sold, refund=False)

    assert ended.status is GrantStatus.ENDED
    assert till.invoice_of(sold).status == InvoiceStatus.VOID
    assert till.purse.balance().available == 0


@pytest.mark.parametrize("wanted", [InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE])
def test_lago_3703_a_purchase_that_is_not_paid_leaves_nothing_and_is_not_granted_later(
    till: Till, wanted: InvoiceStatus
) -> None:
    """A voided top-up whose balance was kept, and then credited again: lago-api 3703."""
    sold = till.sell("1000", "10.00", spendable=Spendable.AT_ONCE)

    invoice = till.change(sold.row.invoice_id, wanted)

    assert (invoice.status, till.invoice_of(sold).amount_due) == (wanted, Decimal(0))
    assert till.purse.read(sold.row.id).status is GrantStatus.ENDED
    assert till.purse.balance().available == 0


@pytest.mark.parametrize("wanted", [InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE])
def test_one_that_waited_for_its_money_never_begins(till: Till, wanted: InvoiceStatus) -> None:
    sold = till.sell("1000", "10.00")

    till.change(sold.row.invoice_id, wanted)

    assert till.purse.read(sold.row.id).status is GrantStatus.ENDED
    assert till.purse.movements() == [("granted", Decimal(1000)), ("refunded", Decimal(-1000))]
    assert till.invoice_of(sold).amount_due == 0


def test_what_was_spent_of_an_unpaid_purchase_stays_due(till: Till) -> None:
    sold = till.sell("1000", "10.00", spendable=Spendable.AT_ONCE)
    spend(till, "300")

    till.change(sold.row.invoice_id, InvoiceStatus.VOID)

    invoice = till.invoice_of(sold)
    assert (invoice.status, invoice.amount_due) == (InvoiceStatus.OPEN, Decimal("3.00"))
    assert till.purse.read(sold.row.id).status is GrantStatus.ENDED

    till.pay(invoice.id, "3.00")

    assert till.invoice_of(sold).status == InvoiceStatus.PAID
    assert till.purse.balance().available == 0


def test_what_was_spent_is_bad_debt_where_nobody_will_pay(till: Till) -> None:
    sold = till.sell("1000", "10.00", spendable=Spendable.AT_ONCE)
    spend(till, "300")

    till.change(sold.row.invoice_id, InvoiceStatus.UNCOLLECTIBLE)

    invoice = till.invoice_of(sold)
    assert (invoice.status, invoice.amount_due) == (InvoiceStatus.UNCOLLECTIBLE, Decimal("3.00"))


def test_a_purchase_that_is_spent_is_not_voided(till: Till) -> None:
    sold = till.sell("1000", "10.00", spendable=Spendable.AT_ONCE)
    spend(till, "1000")

    with pytest.raises(Conflict) as refused:
        till.change(sold.row.invoice_id, InvoiceStatus.VOID)

    assert refused.value.code == "purchase_spent"
    assert till.invoice_of(sold).status == InvoiceStatus.OPEN


def test_a_purchase_gives_back_by_the_end_of_its_grant_alone(till: Till) -> None:
    sold = till.sell("1000", "10.00")
    line = CreditedLine(line_id=sold.row.id, amount=Decimal(1))

    with pytest.raises(Conflict) as refused:
        till.purse.shop.do(
            partial(payment_status.credit, reason="Goodwill"), sold.row.invoice_id, [line]
        )

    assert refused.value.code == "invoice_sold_credit"


def test_nobody_pays_for_credit_whose_time_is_over(till: Till) -> None:
    sold = till.sell("1000", "10.00", expires_at=BEGIN + DAY)

    with pytest.raises(Conflict) as refused:
        till.pay(sold.row.invoice_id, "10.00", now=BEGIN + DAY)

    assert refused.value.code == "invoice_not_payable"


def test_the_hourly_check_voids_what_nobody_paid_in_time(till: Till) -> None:
    sold = till.sell("1000", "10.00", expires_at=BEGIN + DAY)

    till.purse.shop.do(look_after, now=BEGIN + DAY)

    assert till.invoice_of(sold).status == InvoiceStatus.VOID
