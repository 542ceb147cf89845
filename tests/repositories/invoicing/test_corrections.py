"""What documents say of a charge of a period, and what is left of the lines that said it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import count
from uuid import UUID

import pytest

from billing.identifiers import ChargeId
from billing.rating.lines import CorrectedCharge
from models.base import new_id
from models.invoicing.credit_notes import CreditNote, CreditNoteLine
from models.invoicing.invoices import Invoice, InvoiceLine
from models.subscriptions.subscriptions import Subscription
from repositories.invoicing import corrections
from tests.repositories.rows import APRIL, FEBRUARY, MARCH, d, store, subscribe
from tests.services.limited import add_customer
from tests.services.shop import NOW, Shop

CHARGE, OTHER = ChargeId(UUID(int=1)), ChargeId(UUID(int=2))
FINAL = ("OPEN", "PAID", "UNCOLLECTIBLE")


@dataclass(frozen=True)
class Books:
    """A subscription whose documents a test writes line by line; its period 0 is February."""

    shop: Shop
    subscription: Subscription
    numbers: count[int]

    def invoice(
        self,
        kind: str = "period",
        status: str = "OPEN",
        *,
        index: int | None = 0,
        at: datetime = MARCH,
    ) -> UUID:
        """An invoice without lines."""
        row = Invoice(
            organization_id=self.shop.organization_id,
            id=new_id(),
            customer_id=self.subscription.customer_id,
            subscription_id=self.subscription.id,
            period_index=index,
            kind=kind,
            status=status,
            currency="USD",
            subtotal=d("0"),
            tax=d("0"),
            total=d("0"),
            amount_due=d("0"),
            amount_paid=d("0"),
            tax_status="none",
            timezone="UTC",
            issue_date=at,
            due_date=at,
            paid_at=at if status == "PAID" else None,
            invoice_number=f"X-{next(self.numbers)}",
            created_at=at,
        )
        store(self.shop, row)
        return row.id

    def line(
        self, invoice_id: UUID, amount: str, charge: ChargeId | None = CHARGE, kind: str = "usage"
    ) -> UUID:
        """A line of an invoice."""
        row = InvoiceLine(
            organization_id=self.shop.organization_id,
            id=new_id(),
            invoice_id=invoice_id,
            position=next(self.numbers),
            type=kind,
            description="API Calls",
            quantity=d("1"),
            line_total=d(amount),
            exact_amount=d(amount),
            charge_id=charge,
            calculation={},
        )
        store(self.shop, row)
        return row.id

    def late_line(self, amount: str, status: str = "OPEN", *, at: datetime = MARCH) -> UUID:
        """A line of late usage of period 0, on an invoice of its own."""
        invoice_id = self.invoice("late_usage", status, index=None, at=at)
        line_id = self.line(invoice_id, amount, charge=None, kind="late_usage")
        self.part(invoice_id, line_id, amount)
        return line_id

    def part(
        self,
        invoice_id: UUID,
        line_id: UUID,
        amount: str,
        charge: ChargeId = CHARGE,
        *,
        index: int = 0,
        note_id: UUID | None = None,
        by_hand: bool = False,
    ) -> None:
        """A line, or a note on it, changes a charge of a period by this much."""
        change = CorrectedCharge(period_index=index, charge_id=charge, amount=d(amount))
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            corrections.insert_parts(
                session,
                self.shop.organization_id,
                self.subscription.id,
                [change],
                invoice_id=invoice_id,
                line_id=line_id,
                credit_note_id=note_id,
                is_by_hand=by_hand,
            )

    def give_back(self, invoice_id: UUID, line_id: UUID, amount: str) -> None:
        """People give back some of a line that billed the charge."""
        note = CreditNote(
            organization_id=self.shop.organization_id,
            id=new_id(),
            invoice_id=invoice_id,
            number=f"CN-{next(self.numbers)}",
            kind="manual",
            reason="goodwill",
            issue_date=NOW,
            currency="USD",
            subtotal=d(amount),
            tax=d("0"),
            total=d(amount),
            created_at=NOW,
        )
        line = CreditNoteLine(
            organization_id=self.shop.organization_id,
            id=new_id(),
            credit_note_id=note.id,
            line_id=line_id,
            position=1,
            amount=d(amount),
        )
        store(self.shop, note, line)
        self.part(invoice_id, line_id, f"-{amount}", note_id=note.id, by_hand=True)

    def said(self) -> dict[ChargeId, tuple[Decimal, Decimal]]:
        """What was billed of each charge, and what people gave back of it."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            found = corrections.list_said(session, self.subscription, 0)
        return {one.charge_id: (one.billed, one.given_back) for one in found}

    def left(self) -> list[tuple[UUID, Decimal]]:
        """The lines that billed the charge, with what is left of each."""
        change = CorrectedCharge(period_index=0, charge_id=CHARGE, amount=d("-1"))
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            found = corrections.list_billing_lines(session, self.subscription, change)
            return [(line.id, left) for line, left in found]


@pytest.fixture
def books(shop: Shop) -> Books:
    spans = [(FEBRUARY, MARCH, "final"), (MARCH, APRIL, "open")]
    subscription = subscribe(shop, add_customer(shop).id, shop.add_plan(), *spans)
    return Books(shop, subscription, count(1))


def test_nothing_is_said_of_a_period_without_documents(books: Books) -> None:
    assert (books.said(), books.left()) == ({}, [])


@pytest.mark.parametrize("status", FINAL)
def test_final_invoice_says_what_its_lines_bill_of_each_charge(books: Books, status: str) -> None:
    invoice_id = books.invoice(status=status)
    first = books.line(invoice_id, "10.00")
    books.line(invoice_id, "5.00", OTHER)
    books.line(invoice_id, "-3.00", None, "credit")

    assert books.said() == {CHARGE: (10, 0), OTHER: (5, 0)}
    assert books.left() == [(first, 10)]


@pytest.mark.parametrize("status", ["DRAFT", "VOID"])
def test_draft_and_void_documents_say_nothing(books: Books, status: str) -> None:
    books.line(books.invoice(status=status), "10.00")
    books.late_line("2.00", status)

    assert (books.said(), books.left()) == ({}, [])


def test_late_lines_add_to_what_is_said_and_may_take_from_it(books: Books) -> None:
    books.line(books.invoice(), "10.00")
    books.late_line("2.50")
    books.late_line("-4.00")

    assert books.said() == {CHARGE: (d("8.50"), 0)}


def test_what_people_give_back_is_no_less_billed(books: Books) -> None:
    invoice_id = books.invoice()
    line_id = books.line(invoice_id, "10.00")

    books.give_back(invoice_id, line_id, "4.00")

    assert books.said() == {CHARGE: (10, 4)}
    assert books.left() == [(line_id, 6)]


def test_line_that_was_given_back_in_full_has_nothing_left(books: Books) -> None:
    invoice_id = books.invoice()
    line_id = books.line(invoice_id, "10.00")

    books.give_back(invoice_id, line_id, "10.00")

    assert books.left() == []


def test_of_a_late_line_no_more_is_left_than_it_says_of_the_charge(books: Books) -> None:
    invoice_id = books.invoice("late_usage", index=None)
    line_id = books.line(invoice_id, "7.00", None, "late_usage")
    books.part(invoice_id, line_id, "3.00")
    books.part(invoice_id, line_id, "2.00", OTHER)
    books.part(invoice_id, line_id, "2.00", index=1)

    assert books.left() == [(line_id, 3)]


def test_lines_are_taken_from_the_oldest_invoice_on(books: Books) -> None:
    newest = books.late_line("1.00", at=APRIL)
    oldest = books.line(books.invoice(at=FEBRUARY), "1.00")
    between = books.late_line("1.00", at=MARCH)

    assert [line_id for line_id, _ in books.left()] == [oldest, between, newest]


def test_documents_of_another_subscription_say_nothing(books: Books, other_shop: Shop) -> None:
    plan = books.shop.add_plan("second")
    second = subscribe(books.shop, add_customer(books.shop).id, plan, (FEBRUARY, MARCH, "final"))
    theirs = Books(books.shop, second, count(1000))
    theirs.line(theirs.invoice(), "10.00")
    theirs.late_line("2.00")
    foreign = subscribe(
        other_shop, add_customer(other_shop).id, other_shop.add_plan(), (FEBRUARY, MARCH, "final")
    )
    others = Books(other_shop, foreign, count(1))
    others.line(others.invoice(), "10.00")

    assert (books.said(), books.left()) == ({}, [])
    assert (theirs.said(), others.said()) == ({CHARGE: (12, 0)}, {CHARGE: (10, 0)})
