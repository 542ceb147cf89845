"""Invoices as they are shown, each with its lines, taxes, draws and link, and credit notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import inspect

from models.discounts.invoice_coupons import InvoiceCoupon, InvoiceCouponLine
from models.invoicing.credit_notes import CreditNote, CreditNoteLine
from models.invoicing.draws import InvoiceDraw
from models.invoicing.invoices import Invoice, InvoiceLine, InvoiceTax
from repositories.asynchronous.document_reads import DocumentRead, PageRead


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceContents:
    """An invoice with its lines, taxes and draws, each in their order, and its link's token."""

    invoice: Invoice
    lines: list[InvoiceLine]
    taxes: list[InvoiceTax]
    draws: list[InvoiceDraw]
    coupons: list[InvoiceCoupon]
    coupon_lines: list[InvoiceCouponLine]
    public_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceNotes:
    """The credit notes of an invoice, oldest first, and the lines of all of them in their order."""

    notes: list[CreditNote]
    lines: list[CreditNoteLine]


# Of what a line was computed from the steps are half, and explanations alone show them.
_LINE: Final = ", ".join(
    "line.calculation - 'steps' AS calculation" if name == "calculation" else f"line.{name}"
    for name in inspect(InvoiceLine).columns.keys()  # noqa: SIM118  (columns, not their names)
)

INVOICES: Final = DocumentRead(
    f"""
    SELECT asked.place, json_build_object(
        'invoice', invoice,
        -- What it consists of, in the order in which it is shown.
        'lines', (
            SELECT coalesce(json_agg(shown_line ORDER BY shown_line.position), '[]')
            FROM (
                SELECT {_LINE} FROM invoice_line AS line
                WHERE line.organization_id = tenant.id AND line.invoice_id = invoice.id
            ) AS shown_line
        ),
        'taxes', (
            SELECT coalesce(json_agg(applied ORDER BY applied.position), '[]')
            FROM invoice_tax AS applied
            WHERE applied.organization_id = tenant.id AND applied.invoice_id = invoice.id
        ),
        'draws', (
            SELECT coalesce(json_agg(
                draw ORDER BY draw.line_position, draw.sequence, draw.grant_id
            ), '[]')
            FROM invoice_draw AS draw
            WHERE draw.organization_id = tenant.id AND draw.invoice_id = invoice.id
        ),
        -- What each coupon takes off, and of which line.
        'coupons', (
            SELECT coalesce(json_agg(used ORDER BY used.position), '[]')
            FROM invoice_coupon AS used
            WHERE used.organization_id = tenant.id AND used.invoice_id = invoice.id
        ),
        'coupon_lines', (
            SELECT coalesce(json_agg(share ORDER BY share.line_position), '[]')
            FROM invoice_coupon_line AS share
            WHERE share.organization_id = tenant.id AND share.invoice_id = invoice.id
        ),
        'public_token', (
            SELECT link.token FROM invoice_link AS link
            WHERE link.organization_id = tenant.id AND link.invoice_id = invoice.id
        )
    ) AS document
    FROM asked JOIN invoice ON invoice.organization_id = tenant.id AND invoice.id = asked.id""",  # noqa: S608  (put together out of constants)
    InvoiceContents,
)

INVOICE_PAGES: Final = PageRead(
    read=INVOICES,
    table="invoice",
    filters={
        "customer_id": "customer_id = %(customer_id)s",
        "subscription_id": "subscription_id = %(subscription_id)s",
        "status": "status = %(status)s",
        "einvoice_valid": "(einvoice ->> 'valid')::boolean = %(einvoice_valid)s",
    },
)

NOTES_OF_INVOICES: Final = DocumentRead(
    """
    SELECT asked.place, json_build_object(
        'notes', (
            SELECT coalesce(json_agg(note ORDER BY note.created_at, note.id), '[]')
            FROM credit_note AS note
            WHERE note.organization_id = tenant.id AND note.invoice_id = invoice.id
        ),
        'lines', (
            SELECT coalesce(json_agg(given ORDER BY given.credit_note_id, given.position), '[]')
            FROM credit_note AS note
            JOIN credit_note_line AS given ON given.organization_id = tenant.id
                AND given.credit_note_id = note.id
            WHERE note.organization_id = tenant.id AND note.invoice_id = invoice.id
        )
    ) AS document
    FROM asked JOIN invoice ON invoice.organization_id = tenant.id AND invoice.id = asked.id""",
    InvoiceNotes,
)
