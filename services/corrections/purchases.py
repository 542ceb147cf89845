"""What purchases of credit give back: the money of what was not spent, and no more.

Recognised, refunded and expired come to what the credit cost, to the cent. Source: CREDITS
6 and 18.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.ledger import CreditPostingKind, key_of_end
from billing.errors import Conflict, InvalidInput
from billing.invoicing.kinds import CreditNoteKind, InvoiceKind
from billing.invoicing.own_words import NOT_PAID_REASON, REFUNDED_REASON
from billing.money import ZERO, exactly
from models.credits.grants import CreditGrant
from models.invoicing.invoices import Invoice
from repositories.credits import postings as stored_postings
from repositories.credits import purchases as stored_purchases
from repositories.invoicing import invoices as stored_invoices
from services.corrections.credit_notes import CreditedLine, credit_invoice
from services.corrections.creditable import CreditableLines
from services.credits import ends, posting, purchases
from services.credits.standing import GrantReading, read_grant, require_grant
from services.documents.locks import lock_invoice
from services.payments import receivables
from services.payments.recording import present_of


def end_grant(
    session: Session, organization_id: UUID, grant_id: UUID, *, refund: bool, now: datetime
) -> GrantReading:
    """What is left of the grant cannot be spent any more; a note gives back its money if asked to.

    A purchase that has not begun is not owed any more, whatever ``refund`` says. Raises NotFound;
    InvalidInput ``refund_of_free_credit``; Conflict ``grant_expired`` if its time was over,
    ``grant_ended`` if it was ended without a refund. A repeat changes nothing.
    """
    row = require_grant(session, organization_id, grant_id)
    invoice_id = stored_purchases.find_selling_invoice(session, organization_id, grant_id)
    if invoice_id is None:
        if refund:
            raise InvalidInput(
                "Nobody paid for the grant.", code="refund_of_free_credit", field="refund"
            )
        return ends.end_early(session, organization_id, grant_id, now=now)
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    at = present_of(session, invoice, now=now)
    posting.lock_wallet(session, posting.wallet_of(row), at=at, now=now)
    if not purchases.has_begun(session, row):
        receivables.void_purchase(session, invoice, at=at, now=now)
    elif refund:
        _refund(session, invoice, row, at=at, now=now)
    else:
        ends.end_early(session, organization_id, grant_id, now=now)
    return read_grant(session, organization_id, grant_id, now=now)


def require_no_purchase(invoice: Invoice) -> None:
    """Return unless the invoice sold credit, which gives back by the end of its grant alone.

    Raises Conflict ``invoice_sold_credit``.
    """
    if invoice.kind == InvoiceKind.PURCHASE:
        raise Conflict(
            "What was not spent of credit is refunded by POST /grants/{id}/end, with refund true.",
            code="invoice_sold_credit",
        )


def _refund(
    session: Session, invoice: Invoice, row: CreditGrant, *, at: datetime, now: datetime
) -> None:
    ended = stored_postings.find_posting(session, row.organization_id, key_of_end(row.id))
    if ended is not None and ended.kind != CreditPostingKind.REFUNDED:
        raise Conflict("The grant is over, and nothing of it is left.", code="grant_ended")
    if row.expires_at is not None and row.expires_at <= at:
        raise Conflict("The grant's time is over.", code="grant_expired")
    taken = purchases.take_back(session, row, at=at, now=now)
    _note(session, invoice, taken.cost, reason=REFUNDED_REASON, at=at, now=now)


def keep_what_was_spent(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> bool:
    """Credit that the invoice sold ends because it will not be paid; whether any of it was spent.

    Where it was, a note leaves due what that had cost, and the invoice must not become void. Where
    it was not, nothing is noted: the invoice can be. Raises Conflict ``purchase_spent`` where there
    is nothing to take back. The invoice is locked.
    """
    if invoice.kind != InvoiceKind.PURCHASE:
        return False
    unspent = _take_back_all(session, invoice, at=at, now=now)
    if unspent == _left_of(session, invoice):
        return False
    if unspent == ZERO:
        raise Conflict("All of the credit was spent, so that it stays due.", code="purchase_spent")
    _note(session, invoice, unspent, reason=NOT_PAID_REASON, at=at, now=now)
    return True


def give_up(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """Credit that an uncollectible invoice sold ends; a note leaves due what of it was spent.

    The invoice is locked. Idempotent by its grants.
    """
    if invoice.kind == InvoiceKind.PURCHASE:
        unspent = _take_back_all(session, invoice, at=at, now=now)
        _note(session, invoice, unspent, reason=NOT_PAID_REASON, at=at, now=now)


@exactly
def _take_back_all(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> Decimal:
    """What was not spent is taken back, of what rolled over as well; gives what that had cost."""
    purchases.lock_sold(session, invoice, at=at, now=now)
    rows = stored_purchases.list_sold(session, invoice.organization_id, invoice.id)
    taken = [purchases.take_back(session, row, at=at, now=now) for row in rows]
    return sum((one.cost for one in taken), ZERO)


@exactly
def _left_of(session: Session, invoice: Invoice) -> Decimal:
    """What of the purchase no note gave back yet, before taxes."""
    rows = stored_invoices.list_lines(session, invoice.organization_id, [invoice.id])
    creditable = CreditableLines(session, invoice, rows)
    return sum((creditable.left_of(row) for row in rows), ZERO)


def _note(
    session: Session,
    invoice: Invoice,
    amount: Decimal,
    *,
    reason: str,
    at: datetime,
    now: datetime,
) -> None:
    if amount == ZERO:
        return
    [line] = stored_invoices.list_lines(session, invoice.organization_id, [invoice.id])
    credit_invoice(
        session,
        invoice.organization_id,
        invoice.id,
        [CreditedLine(line_id=line.id, amount=amount)],
        reason=reason,
        at=at,
        now=now,
        kind=CreditNoteKind.PURCHASE,
    )
    receivables.follow(session, invoice, now=now)
