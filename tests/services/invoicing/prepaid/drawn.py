"""A life whose customer has credit, and what its bills drew of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from billing.invoicing.invoices import InvoiceStatus
from billing.money import plain_text
from models.invoicing.credit_notes import CreditNote
from models.invoicing.draws import InvoiceDraw
from models.invoicing.invoices import Invoice
from repositories.invoicing import draws
from repositories.invoicing import invoices as stored_invoices
from repositories.operations import document_checks
from services.corrections.credit_notes import CreditedLine
from services.credits import balances, grants
from services.credits import checks as credit_checks
from services.credits.grants import NewGrant
from services.invoicing import payment_status
from tests.services.invoicing.bills import GRACE_OVER, invoices_of, pass_to, use
from tests.services.lives import Life, begin_life
from tests.services.shop import Shop

JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
FIFTEENTH = JANUARY + timedelta(days=14)


def give(life: Life, amount: str, *, at: datetime = JANUARY, **more: Any) -> UUID:
    """The customer is given so much in the currency of the bills."""
    command = NewGrant(unit="USD", amount=Decimal(amount), effective_at=at, **more)
    return life.shop.do(grants.grant_free, life.row().customer_id, command).row.id


def drawn(life: Life, invoice: Invoice) -> list[tuple[UUID, int, str]]:
    """Which grant pays how much of which line of an invoice."""
    return [
        (one.grant_id, one.line_position, plain_text(one.amount)) for one in rows(life, invoice)
    ]


def rows(life: Life, invoice: Invoice) -> Sequence[InvoiceDraw]:
    """The draws of an invoice as they are stored."""
    key = (life.shop.organization_id, invoice.id)
    with life.shop.transactions.for_organization(life.shop.organization_id) as session:
        return draws.list_draws(session, [key])[key]


def amounts(invoice: Invoice) -> list[str]:
    """What an invoice comes to: its lines, less credit, in all, and what is due of it."""
    return [
        plain_text(one)
        for one in (
            invoice.subtotal,
            invoice.credits_before_tax,
            invoice.total,
            invoice.amount_due,
        )
    ]


def movements(life: Life) -> list[tuple[str, str]]:
    """What moved the customer's credit in the currency of the bills."""
    read = partial(balances.read_ledger, after=0, limit=1000)
    found = life.shop.read(read, life.row().customer_id, "USD")
    return [(one.kind, plain_text(one.amount)) for one in found.rows]


def void(life: Life, invoice: Invoice, **options: Any) -> Invoice:
    """The invoice has no effect any more."""
    change = partial(payment_status.change_status, note=None, **options)
    return life.shop.do(change, invoice.id, InvoiceStatus.VOID)


def findings(life: Life) -> list[object]:
    """Everything that contradicts the rules of documents and of credit."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        return [
            *document_checks.list_contradictions(session, shop.organization_id),
            *credit_checks.list_findings(session, shop.organization_id),
        ]


def note(life: Life, invoice: Invoice, amount: str) -> CreditNote:
    """So much of the first line is given back."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        [row, *_] = stored_invoices.list_lines(session, shop.organization_id, [invoice.id])
    credited = [CreditedLine(line_id=row.id, amount=Decimal(amount))]
    return shop.do(partial(payment_status.credit, reason="Goodwill"), invoice.id, credited)


def parts(made: CreditNote) -> tuple[str, str, str]:
    """What a note gives back to grants before tax, in money and after tax."""
    return (
        plain_text(made.credits_before_tax),
        plain_text(made.total),
        plain_text(made.credits_after_tax),
    )


def eighty_billed(shop: Shop, credit: str, **grant: Any) -> tuple[Life, Invoice]:
    """A life whose first month used 80 dollars, with so much credit, and its final invoice."""
    life = begin_life(shop)
    give(life, credit, **grant)
    use(life, (5, "80"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    return life, final
