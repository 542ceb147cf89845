"""What somebody plants by SQL is named by the next check of coverage, and what is honest is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from billing.invoicing.invoices import InvoiceStatus
from repositories.invoicing import invoices
from repositories.transactions import Transactions
from services.corrections.credit_notes import CreditedLine
from services.invoicing import manual, payment_status
from services.lifecycle.reissue import bill_unbilled_period, reissue_invoice
from services.operations import coverage
from services.usage.corrections import void_usage
from tests.servers import superuser_engine
from tests.services.lives import begin_life
from tests.services.shop import NOW, Shop, open_shop

TENTH = datetime(2025, 1, 10, tzinfo=UTC)
FEBRUARY, MARCH, APRIL, MAY = (datetime(2025, month, 1, 2, tzinfo=UTC) for month in (2, 3, 4, 5))


class Books:
    """January was billed 100 and given back in February; March took that credit."""

    def __init__(self, shop: Shop, *, takes_credit: bool = True) -> None:
        self.shop = shop
        self.life = begin_life(shop)
        self.use = self.life.use
        self.advance = self.life.advance
        self.invoices = self.life.invoices
        event = self.use(TENTH, 100)
        self.advance(FEBRUARY)
        shop.do(void_usage, event.id)
        self.advance(MARCH)
        if takes_credit:
            self.use(MARCH, 130)
        self.advance(APRIL)

    def findings(self) -> set[str]:
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            found = coverage.check_coverage(session, self.shop.organization_id, None, now=NOW)
        return {one.kind.value for one in found.findings} - {"old_messages"}


@pytest.fixture(scope="module")
def owner(module_database_url: str) -> Iterator[Engine]:
    """Whoever may change anything."""
    engine = superuser_engine(module_database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def books(transactions: Transactions) -> Books:
    """Books that no test changes for good."""
    return Books(open_shop(transactions))


def test_honest_books_have_no_finding(books: Books) -> None:
    assert [one.total for one in books.invoices()] == [100, 0, 30]
    assert books.findings() == set()


def test_everything_that_people_may_do_to_invoices_has_no_finding(shop: Shop) -> None:
    books = Books(shop)
    january, _, march = books.invoices()
    [line] = [
        row
        for row in books.shop.read(invoices.list_lines, [january.id])
        if row.charge_id is not None
    ]
    books.shop.do(payment_status.pay, march.id)
    books.use(APRIL, 7)
    books.advance(MAY)
    *_, april = books.invoices()
    with books.shop.transactions.for_organization(books.shop.organization_id) as session:
        payment_status.change_status(
            session, april.organization_id, april.id, InvoiceStatus.VOID, note=None, now=NOW
        )
    assert books.findings() == set()
    draft = books.shop.do(reissue_invoice, april.id)
    assert books.findings() == set()
    books.shop.do(manual.delete_draft, draft.id)
    assert books.findings() == {"unbilled"}
    again = books.shop.do(bill_unbilled_period, *(books.life.subscription_id, 3))
    books.shop.do(payment_status.finalize, again.id)
    [billed] = [
        row for row in books.shop.read(invoices.list_lines, [again.id]) if row.charge_id is not None
    ]
    with books.shop.transactions.for_organization(books.shop.organization_id) as session:
        payment_status.credit(
            session,
            again.organization_id,
            again.id,
            [CreditedLine(line_id=billed.id, amount=Decimal(7))],
            reason="goodwill",
            now=NOW,
        )
    assert books.findings() == set()
    assert line.line_total == 100


TAMPERINGS = {
    "an invoice is planted for a period that has one": (
        "double_billed",
        """
        INSERT INTO invoice SELECT (jsonb_populate_record(invoice, jsonb_build_object(
            'id', gen_random_uuid(), 'invoice_number', 'INV-2025-9999', 'period_index', 77))).*
        FROM invoice WHERE organization_id = %(organization)s AND period_index = 0
        """,
    ),
    "an invoice is deleted": (
        "missing_invoice",
        (
            "UPDATE invoice SET kind = 'manual' WHERE organization_id = %(organization)s"
            " AND period_index = 0"
        ),
    ),
    "a period is moved": (
        "period_moved",
        (
            "UPDATE subscription_period SET ends_at = ends_at - interval '1 day'"
            " WHERE organization_id = %(organization)s AND index = 0"
        ),
    ),
    "a running period is made shorter": (
        "period_moved",
        (
            "UPDATE subscription_period SET ends_at = ends_at - interval '1 day'"
            " WHERE organization_id = %(organization)s AND status = 'open'"
        ),
    ),
    "a period is deleted": (
        "gap",
        "DELETE FROM subscription_period WHERE organization_id = %(organization)s AND index = 1",
    ),
    "a total is changed": (
        "amount_changed",
        (
            "UPDATE invoice SET subtotal = subtotal - 1, total = total - 1,"
            " amount_due = amount_due - 1"
            " WHERE organization_id = %(organization)s AND period_index = 0"
        ),
    ),
    "what is due is changed": (
        "amount_changed",
        (
            "UPDATE invoice SET amount_due = 1, amount_credited = total - 1"
            " WHERE organization_id = %(organization)s AND period_index = 0"
        ),
    ),
    "a line's total is changed": (
        "amount_changed",
        (
            "UPDATE invoice_line SET line_total = 1 WHERE organization_id = %(organization)s"
            " AND type = 'usage' AND line_total = 100"
        ),
    ),
    "a line and its total are changed": (
        "evidence_changed",
        """
        WITH line AS (
            UPDATE invoice_line SET line_total = 1, exact_amount = 1,
                calculation = calculation || '{"exact_amount": "1"}'
            WHERE organization_id = %(organization)s AND type = 'usage' AND line_total = 100
            RETURNING organization_id, invoice_id
        )
        UPDATE invoice SET subtotal = 1, total = 1, amount_due = 1
        FROM line WHERE invoice.organization_id = line.organization_id
            AND invoice.id = line.invoice_id
        """,
    ),
    "the evidence is changed": (
        "evidence_changed",
        (
            "UPDATE billing_run SET content = jsonb_set(content, '{0,exact_amount}', '\"1\"')"
            " WHERE organization_id = %(organization)s AND period_index = 0 AND step = 'evidence'"
        ),
    ),
    "an invoice is made void": (
        "status_changed",
        (
            "UPDATE invoice SET status = 'VOID', amount_due = 0"
            " WHERE organization_id = %(organization)s"
            " AND period_index = 0"
        ),
    ),
    "an invoice is made paid": (
        "status_changed",
        (
            "UPDATE invoice SET status = 'PAID', paid_at = now(), amount_due = total - amount_paid"
            " WHERE organization_id = %(organization)s AND period_index = 0"
        ),
    ),
    "an invoice is made a draft again": (
        "status_changed",
        (
            "UPDATE invoice SET status = 'DRAFT' WHERE organization_id = %(organization)s"
            " AND period_index = 0"
        ),
    ),
    "an invoice is written off": (
        "status_changed",
        (
            "UPDATE invoice SET status = 'UNCOLLECTIBLE' WHERE organization_id = %(organization)s"
            " AND period_index = 0"
        ),
    ),
    "an invoice says that it took less credit": (
        "account_changed",
        (
            "UPDATE invoice SET granted_credit = 1 WHERE organization_id = %(organization)s"
            " AND period_index = 2"
        ),
    ),
}


def test_a_receipt_that_is_taken_away_is_named(books: Books, owner: Engine) -> None:
    organization_id = books.shop.organization_id
    remove = "DELETE FROM signed_receipt WHERE organization_id = %(organization)s AND sequence = 3"
    with Session(owner) as session:
        session.connection().exec_driver_sql(remove, {"organization": organization_id})
        found = coverage.check_coverage(session, organization_id, None, now=NOW)
        session.rollback()

    details = [one.detail for one in found.findings if one.kind == "receipt_missing"]
    assert details == [
        "Invoice INV-2025-0003 was issued, but its receipt is gone.",
        "Of 3 receipts in the chain 2 are there.",
    ]


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_named(books: Books, owner: Engine, name: str) -> None:
    kind, statement = TAMPERINGS[name]
    organization_id = books.shop.organization_id
    with Session(owner) as session:
        changed = session.connection().exec_driver_sql(statement, {"organization": organization_id})
        found = coverage.check_coverage(session, organization_id, None, now=NOW)
        session.rollback()

    assert changed.rowcount == 1
    assert kind in {one.kind.value for one in found.findings}


@pytest.mark.parametrize(("amount", "before"), [("-1", "0"), ("-1", "100"), ("5", "100")])
def test_more_credit_than_stands_there_cannot_be_written(
    books: Books, owner: Engine, amount: str, before: str
) -> None:
    plant = """
        INSERT INTO account_posting SELECT (jsonb_populate_record(posting, jsonb_build_object(
            'sequence', sequence + 1, 'follows', sequence, 'key', 'granted/planted',
            'amount', %(amount)s::numeric, 'balance_before', %(before)s::numeric,
            'balance_after', %(before)s::numeric + %(amount)s::numeric))).*
        FROM account_posting AS posting
        WHERE organization_id = %(organization)s ORDER BY sequence DESC LIMIT 1
    """
    keys = {"organization": books.shop.organization_id, "amount": amount, "before": before}
    with owner.connect() as connection, pytest.raises(IntegrityError):
        connection.exec_driver_sql(plant, keys)
