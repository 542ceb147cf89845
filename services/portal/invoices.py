"""One invoice as a customer reads it: the document, down to the events that it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import InvoiceStatus
from models.invoicing.invoices import Invoice
from models.usage.events import UsageCorrection, UsageEvent
from repositories import customers as stored_customers
from repositories.accounts import organizations as stored_organizations
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import receipts as stored_receipts
from repositories.usage import events as stored_events
from repositories.usage.events import EventPosition, EventSelection
from services.documents.assembly import read_invoice
from services.documents.view import Document
from services.required import not_found, require_customer, require_invoice

EVENTS_A_PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Which invoice a page shows. ``customer_id`` is whose it must be, None for whoever has it."""

    organization_id: UUID
    invoice_id: UUID
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownInvoice:
    """The invoice as a document, and what a page may offer with it.

    ``with_events`` are the places of the lines that count events; ``embed_hosts`` may frame it.
    """

    document: Document
    is_past_due: bool
    is_verifiable: bool
    with_events: frozenset[int]
    embed_hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedEvents:
    """A page of what a line counts, newest first; ``following`` is where the next one begins."""

    document: Document
    unit: str | None
    line_name: str
    events: Sequence[UsageEvent]
    corrections: Mapping[UUID, UsageCorrection]
    following: EventPosition | None
    embed_hosts: tuple[str, ...]


def show_invoice(session: Session, shown: Shown, *, public_url: str | None = None) -> ShownInvoice:
    """The invoice of a page; its file points to addresses below ``public_url``. Raises NotFound."""
    invoice = _require_shown(session, shown)
    receipt = stored_invoices.find_receipt(session, shown.organization_id, shown.invoice_id)
    lines = stored_invoices.list_lines(session, shown.organization_id, [shown.invoice_id])
    return ShownInvoice(
        document=read_invoice(
            session, shown.organization_id, shown.invoice_id, public_url=public_url
        ),
        is_past_due=is_past_due(invoice),
        is_verifiable=stored_receipts.find_of_invoice(
            session, shown.organization_id, shown.invoice_id
        )
        is not None,
        with_events=frozenset(
            place
            for place, line in enumerate(lines)
            if receipt is not None and line.meter_id is not None and line.period_start is not None
        ),
        embed_hosts=_embed_hosts(session, shown),
    )


def find_receipt(session: Session, shown: Shown) -> UUID:
    """The signed receipt of a page's invoice. Raises NotFound where it has none."""
    invoice = _require_shown(session, shown)
    receipt = stored_receipts.find_of_invoice(session, shown.organization_id, invoice.id)
    if receipt is None:
        raise not_found("Page")
    return receipt.id


def list_counted(
    session: Session, shown: Shown, place: int, *, after: EventPosition | None
) -> CountedEvents:
    """The events that the line at a place counts, up to the watermark. Raises NotFound."""
    invoice = _require_shown(session, shown)
    organization_id = shown.organization_id
    lines = stored_invoices.list_lines(session, organization_id, [shown.invoice_id])
    line = lines[place] if place < len(lines) else None
    receipt = stored_invoices.find_receipt(session, organization_id, shown.invoice_id)
    if line is None or receipt is None or line.meter_id is None or line.period_start is None:
        raise not_found("Page")
    selection = EventSelection(
        meter_id=line.meter_id,
        customer_id=invoice.customer_id,
        starts_at=line.period_start,
        ends_at=line.period_end,
        counted=True,
        through=receipt.watermark,
    )
    # One more than is shown tells whether there are others.
    found = stored_events.list_events(
        session, organization_id, selection, after=after, offset=0, limit=EVENTS_A_PAGE + 1
    )
    events = found[:EVENTS_A_PAGE]
    corrections = stored_events.list_newest_corrections(
        session, organization_id, [one.id for one in events], through=receipt.watermark
    )
    last = events[-1] if len(found) > EVENTS_A_PAGE else None
    return CountedEvents(
        document=read_invoice(session, organization_id, shown.invoice_id),
        unit=line.calculation.get("unit"),
        line_name=line.calculation["name"],
        events=events,
        corrections=corrections,
        following=None
        if last is None
        else EventPosition(timestamp=last.timestamp, event_id=last.id),
        embed_hosts=_embed_hosts(session, shown),
    )


def is_past_due(invoice: Invoice) -> bool:
    """Whether an invoice should have been paid by now."""
    return invoice.status == InvoiceStatus.OPEN and invoice.past_due_at is not None


def _require_shown(session: Session, shown: Shown) -> Invoice:
    """The invoice. Customers see their own once it is issued; a link shows its one in any state."""
    invoice = require_invoice(
        stored_invoices.find_invoice(session, shown.organization_id, shown.invoice_id)
    )
    if shown.customer_id is None:
        return invoice
    require_customer(
        stored_customers.find_customer(session, shown.organization_id, shown.customer_id)
    )
    if invoice.customer_id != shown.customer_id or invoice.status == InvoiceStatus.DRAFT:
        raise not_found("Invoice")
    return invoice


def _embed_hosts(session: Session, shown: Shown) -> tuple[str, ...]:
    """Who may frame the page: nobody frames a public one."""
    if shown.customer_id is None:
        return ()
    organization = stored_organizations.get_organization(session, shown.organization_id)
    return tuple(organization.embed_hosts)
