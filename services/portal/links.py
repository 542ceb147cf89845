"""Links to invoices: whoever has one reads that invoice, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from models.invoicing.links import InvoiceLink
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import links as stored_links
from repositories.transactions import Transactions
from services.audit_log import record
from services.documents.appearance.links import page_address
from services.required import not_found, require_invoice

LONGEST_TOKEN: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedInvoice:
    """The invoice that a token shows."""

    organization_id: UUID
    invoice_id: UUID


def link_invoice(
    session: Session,
    organization_id: UUID,
    invoice_id: UUID,
    *,
    new_token: Callable[[], str],
    now: datetime,
) -> InvoiceLink:
    """The invoice has a link: the one that it had, else a new one. Raises NotFound.

    Idempotent by the invoice. Source: CONTRACT 3.8.
    """
    require_invoice(stored_invoices.find_invoice(session, organization_id, invoice_id))
    link = InvoiceLink(
        organization_id=organization_id, invoice_id=invoice_id, token=new_token(), created_at=now
    )
    if stored_links.insert_link(session, link):
        record(session, organization_id, "invoice.linked", "invoice", invoice_id, now=now)
    found = stored_links.find_link(session, organization_id, invoice_id)
    assert found is not None
    return found


def page_maker(
    public_url: str, new_token: Callable[[], str], now: Callable[[], datetime]
) -> Callable[[Session, UUID, UUID], str]:
    """Gives the page of an invoice, which has one from then on.

    Where the installation has no public address it is that of the installation.
    """

    def page_of(session: Session, organization_id: UUID, invoice_id: UUID) -> str:
        if page_address(public_url, "") is None:
            return public_url
        link = link_invoice(session, organization_id, invoice_id, new_token=new_token, now=now())
        return page_address(public_url, link.token) or public_url

    return page_of


def unlink_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> None:
    """The invoice has no link, and the one that it had shows nothing. Raises NotFound.

    Idempotent by the invoice. One that is linked again gets another token.
    """
    require_invoice(stored_invoices.find_invoice(session, organization_id, invoice_id))
    if stored_links.delete_link(session, organization_id, invoice_id):
        record(session, organization_id, "invoice.unlinked", "invoice", invoice_id, now=now)


def find_linked(transactions: Transactions, token: str) -> LinkedInvoice:
    """What the token shows. Raises NotFound, in the same words for whatever is no token of ours."""
    found = None
    if 0 < len(token) <= LONGEST_TOKEN and token.isascii() and token.isalnum():
        with transactions.looking_up(stored_links.LOOKUP, token) as session:
            found = stored_links.find_by_token(session, token)
    if found is None:
        raise not_found("Page")
    return LinkedInvoice(organization_id=found.organization_id, invoice_id=found.invoice_id)
