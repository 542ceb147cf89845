"""What an invoice has by becoming final, whatever made it so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from billing.credits.drawing import Draw
from billing.credits.grants import Place
from billing.invoicing.invoices import InvoiceStatus, status_after_finalizing
from billing.timeline import Happening
from models.invoicing.draws import InvoiceDraw
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription
from repositories.invoicing import draws as stored_draws
from repositories.subscriptions import actions as stored_actions
from services import customer_accounts
from services.announcements import announce_final_invoices
from services.credits.drawing import post_all_draws
from services.discounts.uses import count_uses
from services.documents.parties import keep_parties
from services.notifications import mails
from services.payments import collections, links
from services.receipts.chain import link_receipts


def freeze(invoice: Invoice, *, at: datetime) -> None:
    """The invoice is OPEN, or PAID where nothing is owed."""
    invoice.status = status_after_finalizing(InvoiceStatus(invoice.status), invoice.payable)
    invoice.finalized_at = at
    invoice.scheduled_finalize_at = None
    if invoice.status == InvoiceStatus.PAID:
        invoice.paid_at = at


def issue(session: Session, frozen: Sequence[tuple[Invoice, datetime]], *, now: datetime) -> None:
    """Invoices, each final since an instant, have parties, receipts, postings, links and mails.

    Whoever listens is told. All that they consist of is stored, the account of each is locked, and
    so are the wallets that it draws from. Source: CONTRACT 4.7, 4.8, 68, section 6, CREDITS 12.
    """
    invoices = [invoice for invoice, _ in frozen]
    with session.no_autoflush:
        # What it reads would write a half of each invoice, and the rest once more.
        keep_parties(session, invoices)
    session.flush()
    count_uses(session, invoices)
    _post_draws(session, frozen, now=now)
    link_receipts(session, invoices, now=now)
    for invoice, at in frozen:
        customer_accounts.post_final_invoice(session, invoice, at=at, now=now)
    announce_final_invoices(session, frozen, now=now)
    mails.queue_final_invoices(session, invoices, now=now)
    links.prepare_links(session, invoices, now=now)
    collections.open_collections(session, invoices, now=now)


def record_issued(
    session: Session, subscription: Subscription, invoice: Invoice, *, at: datetime, now: datetime
) -> None:
    """The timeline of the subscription says that an invoice of it is final."""
    stored_actions.insert_action(
        session,
        subscription,
        Happening.INVOICE_FINALIZED,
        at=at,
        recorded_at=now,
        period_index=invoice.period_index,
        invoice_id=invoice.id,
    )


def _post_draws(
    session: Session, frozen: Sequence[tuple[Invoice, datetime]], *, now: datetime
) -> None:
    """What the invoices draw from grants is taken from them."""
    drawing = {(one.organization_id, one.id): (one, at) for one, at in frozen if one.is_drawn}
    if not drawing:
        return
    found = [
        (*drawing[key], rows)
        for key, rows in stored_draws.list_draws(session, drawing.keys()).items()
    ]
    draws = [(invoice, [_draw_of(invoice, row) for row in rows], at) for invoice, at, rows in found]
    post_all_draws(session, draws, now=now)


def _draw_of(invoice: Invoice, row: InvoiceDraw) -> Draw:
    return Draw(
        grant_id=row.grant_id,
        position=row.line_position,
        amount=row.amount,
        place=Place(row.place),
        unit=None if row.unit == invoice.currency else row.unit,
    )
