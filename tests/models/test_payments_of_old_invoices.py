"""Invoices that were paid, credited or written off before payments were rows are what they were."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from models.customer_accounts import AccountPosting
from models.invoicing.invoices import Invoice
from repositories.invoicing.invoices import list_lines
from repositories.operations.document_checks import list_contradictions
from repositories.payments.payments import list_of_invoice
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.database.migrations import downgrade, upgrade
from services.corrections.credit_notes import CreditedLine
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.invoicing import manual, payment_status
from services.payments import recording, refunds
from tests.servers import migration_url, superuser_engine
from tests.services.shop import NOW, Shop, open_shop

BEFORE_PAYMENTS = "0028"
NOTES = {"credited, then paid": 30, "paid, then credited": 20, "credited in full": 100, "void": 10}
"""What credit notes gave back of each invoice over 100."""

NAMES = ("paid", "credited, then paid", "paid, then credited", "credited in full")
OLD_ROWS = {
    "paid": "status = 'PAID', paid_at = now(), amount_paid = 100, amount_due = 0",
    "credited, then paid": "status = 'PAID', paid_at = now(), amount_paid = 70, amount_due = 0",
    "paid, then credited": "status = 'PAID', paid_at = now(), amount_paid = 100, amount_due = 0",
    "written off": "status = 'UNCOLLECTIBLE'",
    "void": "status = 'VOID', voided_at = now(), amount_due = 0",
}
"""What the former version wrote; the rest is what it still does."""


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    engine = create_application_engine(database_url)
    yield open_shop(Transactions(engine))
    engine.dispose()


@pytest.fixture
def invoices(shop: Shop, database_url: str) -> dict[str, UUID]:
    """One invoice over 100 for each of these, in a database of the former version, upgraded."""
    details = CustomerDetails(name="Harbor", billing_address_country="GB")
    customer_id = shop.do(create_customer, CreateCustomer(details=details)).id
    made = {name: issue(shop, customer_id) for name in {**OLD_ROWS, **NOTES, "open": 0}}
    for name, amount in NOTES.items():
        [line] = shop.read(list_lines, [made[name]])
        given = [CreditedLine(line_id=line.id, amount=Decimal(amount))]
        shop.do(
            lambda *args, **now: payment_status.credit(*args, reason="back", **now),
            made[name],
            given,
        )
    downgrade(migration_url(database_url), BEFORE_PAYMENTS)
    engine = superuser_engine(database_url)
    with engine.begin() as connection:
        for name, changes in OLD_ROWS.items():
            connection.execute(text(f"UPDATE invoice SET {changes} WHERE id = '{made[name]}'"))
    engine.dispose()
    upgrade(migration_url(database_url))
    return made


def issue(shop: Shop, customer_id: UUID) -> UUID:
    line = manual.ManualLine(description="Import", quantity=Decimal(1), unit_amount=Decimal(100))
    written = manual.ManualInvoice(
        customer_id=customer_id, currency="USD", due_date=NOW, lines=(line,)
    )
    draft = shop.do(manual.create_invoice, written)
    return shop.do(payment_status.finalize, draft.id).id


def read(shop: Shop, statement: Any) -> list[Any]:
    with shop.transactions.for_organization(shop.organization_id) as session:
        return list(session.exec(statement).all())


def state_of(shop: Shop, invoice_id: UUID) -> tuple[str, int, int, int]:
    """Its status, and what is due, paid and credited."""
    [one] = read(shop, select(Invoice).where(Invoice.id == invoice_id))
    return one.status, one.amount_due, one.amount_paid, one.amount_credited


def test_old_invoices_are_due_what_they_were_and_have_their_payments(
    shop: Shop, invoices: dict[str, UUID]
) -> None:
    assert {name: state_of(shop, one) for name, one in invoices.items()} == {
        "paid": ("PAID", 0, 100, 0),
        "credited, then paid": ("PAID", 0, 70, 30),
        "paid, then credited": ("PAID", 0, 100, 0),
        "credited in full": ("PAID", 0, 0, 100),
        "written off": ("UNCOLLECTIBLE", 100, 0, 0),
        "void": ("VOID", 0, 0, 0),
        "open": ("OPEN", 100, 0, 0),
    }
    payments = {
        name: [
            (one.amount, one.applied_amount, one.kind, one.status)
            for one in shop.read(list_of_invoice, invoices[name])
        ]
        for name in invoices
    }
    assert {name: made for name, made in payments.items() if made} == {
        name: [(amount, amount, "manual", "succeeded")]
        for name, amount in zip(NAMES, (100, 70, 100), strict=False)
    }


def test_old_accounts_come_to_nothing_and_name_what_was_lost(
    shop: Shop, invoices: dict[str, UUID]
) -> None:
    postings = read(shop, select(AccountPosting).order_by(col(AccountPosting.sequence)))

    assert [one.kind for one in postings].count("written_off") == 1
    assert sorted({one.kind for one in postings}) == ["applied", "paid", "written_off"]
    assert postings[-1].balance_after == sum(one.amount for one in postings) == 0
    found = shop.read(list_contradictions)
    # Nothing says who wrote it off, for nobody did.
    assert [(kind, one.invoice_id) for kind, one in found] == [
        ("status_changed", invoices["written off"])
    ]


def test_old_invoices_are_paid_and_refunded_as_new_ones_are(
    shop: Shop, invoices: dict[str, UUID]
) -> None:
    told = recording.Told(amount=Decimal(100))
    shop.do(recording.record_by_hand, invoices["written off"], told)
    [payment] = shop.read(list_of_invoice, invoices["paid, then credited"])

    shop.do(refunds.refund, payment.id, Decimal(50))

    assert state_of(shop, invoices["written off"]) == ("PAID", 0, 100, 0)
    # 20 of them were given back by the note, 30 are due again.
    assert state_of(shop, invoices["paid, then credited"]) == ("PAID", 30, 100, 20)
    assert shop.read(list_contradictions) == []
