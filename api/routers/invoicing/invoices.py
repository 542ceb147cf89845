"""Invoices: list, read, and as plain text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import PlainTextResponse
from sqlmodel import Session

from api.access.sessions import READS_BILLING, Reader, ReadSession
from api.reads.fast_reads import show_one, show_page
from api.schemas.common import any_case
from api.schemas.discounts.invoice_coupons import view_invoice_coupons
from api.schemas.invoicing.invoices import InvoiceView, view_invoice
from api.schemas.pages import PageOf
from api.transport.pagination import PageDep
from api.transport.route import Router
from billing.invoicing.invoices import InvoiceStatus
from models.invoicing.invoices import Invoice, InvoiceLine, InvoiceTax
from repositories.discounts import uses
from repositories.invoicing import draws, invoices, links
from repositories.invoicing.shown import INVOICE_PAGES, INVOICES, InvoiceContents
from services.documents.assembly import read_invoice
from services.documents.text import render_text

router = Router(prefix="/invoices", tags=["Invoices"])


@router.fast_get("", response_model=PageOf[InvoiceView], dependencies=[READS_BILLING])
async def list_invoices(
    request: Request,
    page: PageDep,
    customer_id: UUID | None = None,
    subscription_id: UUID | None = None,
    status: Annotated[InvoiceStatus | None, any_case(InvoiceStatus), Query()] = None,
    einvoice_valid: bool | None = None,
) -> Response:
    """List invoices, oldest first; with `einvoice_valid=false` those that lack something."""
    return await show_page(
        request,
        INVOICE_PAGES,
        _view,
        page,
        customer_id=customer_id,
        subscription_id=subscription_id,
        status=status,
        einvoice_valid=einvoice_valid,
    )


@router.fast_get("/{invoice_id}", response_model=InvoiceView, dependencies=[READS_BILLING])
async def get_invoice(request: Request, invoice_id: str) -> Response:
    """Show an invoice with its lines."""
    return await show_one(request, INVOICES, _view, "invoice_id", invoice_id)


@router.get("/{invoice_id}/text", response_class=PlainTextResponse)
def get_invoice_text(invoice_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show an invoice as plain text."""
    text = render_text(read_invoice(session, principal.organization_id, invoice_id))
    return PlainTextResponse(text)


def view_invoices(
    session: Session, organization_id: UUID, found: Sequence[Invoice]
) -> list[InvoiceView]:
    """The invoices as the API shows them, their lines, taxes and links read in a few queries."""
    ids = [invoice.id for invoice in found]
    lines: dict[UUID, list[InvoiceLine]] = defaultdict(list)
    taxes: dict[UUID, list[InvoiceTax]] = defaultdict(list)
    for line in invoices.list_lines(session, organization_id, ids):
        lines[line.invoice_id].append(line)
    for tax in invoices.list_taxes(session, organization_id, ids):
        taxes[tax.invoice_id].append(tax)
    tokens = links.list_tokens(session, organization_id, ids)
    drawing = [(organization_id, one.id) for one in found if one.credits_total]
    drawn = draws.list_draws(session, drawing)
    discounted = [(organization_id, one.id) for one in found if one.coupons_total]
    used = uses.list_invoice_coupons(session, discounted)
    shares = uses.list_coupon_lines(session, discounted)
    return [
        view_invoice(
            one,
            lines[one.id],
            taxes[one.id],
            drawn.get((organization_id, one.id), ()),
            coupons=view_invoice_coupons(
                used.get((organization_id, one.id), ()),
                shares.get((organization_id, one.id), ()),
                lines[one.id],
            ),
            public_token=tokens.get(one.id),
        )
        for one in found
    ]


def _view(found: InvoiceContents) -> InvoiceView:
    return view_invoice(
        found.invoice,
        found.lines,
        found.taxes,
        found.draws,
        coupons=view_invoice_coupons(found.coupons, found.coupon_lines, found.lines),
        public_token=found.public_token,
    )
