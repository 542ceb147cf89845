"""Lines and taxes of an invoice as rows, and back as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import Session

from billing.credits.drawing import Draw
from billing.identifiers import TaxRateId
from billing.invoicing.invoices import InvoiceLine as BilledLine
from billing.invoicing.invoices import InvoiceTotals
from billing.invoicing.receipts import from_document, to_document
from billing.invoicing.tax_categories import TaxCategory
from billing.invoicing.taxes import TaxAmount
from billing.rating.lines import PricedLine
from billing.ratios import as_decimal
from models.base import new_id
from models.invoicing.draws import InvoiceDraw
from models.invoicing.invoices import Invoice, InvoiceLine, InvoiceTax
from repositories.invoicing import corrections as stored_corrections
from repositories.invoicing import invoices as stored_invoices
from services.discounts.contents import write_coupons


def write_contents(session: Session, contents: Sequence[tuple[Invoice, InvoiceTotals]]) -> None:
    """Store the lines, coupons, taxes and draws of invoices that have none."""
    lines = [
        (invoice, _line_values(invoice, position, billed), billed.line)
        for invoice, totals in contents
        for position, billed in enumerate(totals.lines)
    ]
    session.flush()
    stored_invoices.insert_lines(session, [values for _, values, _ in lines])
    session.add_all(
        _tax_row(invoice, position, tax)
        for invoice, totals in contents
        for position, tax in enumerate(totals.taxes)
    )
    session.flush()
    write_coupons(session, [(invoice, totals.discounts) for invoice, totals in contents])
    session.add_all(
        _draw_row(invoice, one, sequence)
        for invoice, totals in contents
        for sequence, one in enumerate(totals.draws, start=1)
    )
    for invoice, values, line in lines:
        _write_corrections(session, invoice, values["id"], line)


def add_line(session: Session, invoice: Invoice, billed: BilledLine) -> None:
    """Store one more line of an invoice, after those that it has."""
    position = len(stored_invoices.list_lines(session, invoice.organization_id, [invoice.id]))
    session.flush()
    stored_invoices.insert_lines(session, [_line_values(invoice, position, billed)])


def is_computed_bill(invoice: Invoice) -> bool:
    """Whether an invoice's lines are computed of a period, and not edited by hand."""
    return (
        not invoice.is_edited
        and invoice.subscription_id is not None
        and invoice.period_index is not None
    )


def priced_line_of(row: InvoiceLine) -> PricedLine:
    """The priced line behind a stored one, with every number of its calculation."""
    return from_document(PricedLine, row.calculation)


def shown_line_of(row: InvoiceLine) -> PricedLine:
    """The same without its steps, which are half of it and which only explanations show."""
    calculation = {**row.calculation, "steps": ()}
    try:
        return msgspec.convert(calculation, PricedLine)
    except msgspec.ValidationError:
        # A ratio such as 1/3 is the text of no decimal.
        return from_document(PricedLine, calculation)


def _write_corrections(session: Session, invoice: Invoice, line_id: UUID, line: PricedLine) -> None:
    if line.corrections and invoice.subscription_id is not None:
        stored_corrections.insert_parts(
            session,
            invoice.organization_id,
            invoice.subscription_id,
            line.corrections,
            invoice_id=invoice.id,
            line_id=line_id,
        )


def _line_values(invoice: Invoice, position: int, billed: BilledLine) -> dict[str, Any]:
    line = billed.line
    return {
        "organization_id": invoice.organization_id,
        "id": new_id(),
        "invoice_id": invoice.id,
        "position": position,
        "type": line.type,
        "description": line.description,
        "quantity": as_decimal(line.quantity),
        "unit_amount": line.unit_amount,
        "line_total": billed.line_total,
        "exact_amount": as_decimal(line.exact_amount),
        "amount_in_unit": None if line.priced_in is None else line.amount,
        "charge_id": line.charge_id,
        "meter_id": line.meter_id,
        "usage_quantity": as_decimal(line.usage_quantity),
        "included_quantity": as_decimal(line.included_quantity),
        "limit_exceeded": line.limit_exceeded,
        "period_start": line.starts_at,
        "period_end": line.ends_at,
        "calculation": to_document(line),
    }


def tax_amount_of(row: InvoiceTax) -> TaxAmount:
    """A stored tax as the value that it was made of."""
    return TaxAmount(
        tax_rate_id=TaxRateId(row.tax_rate_id),
        name=row.name,
        percentage=row.percentage,
        is_inclusive=row.is_inclusive,
        taxable=row.taxable_amount,
        amount=row.amount,
        category=TaxCategory(row.category) if row.category else None,
        exemption_reason=row.exemption_reason,
    )


def _tax_row(invoice: Invoice, position: int, tax: TaxAmount) -> InvoiceTax:
    return InvoiceTax(
        organization_id=invoice.organization_id,
        id=new_id(),
        invoice_id=invoice.id,
        position=position,
        tax_rate_id=tax.tax_rate_id,
        name=tax.name,
        percentage=tax.percentage,
        is_inclusive=tax.is_inclusive,
        taxable_amount=tax.taxable,
        amount=tax.amount,
        category=tax.category,
        exemption_reason=tax.exemption_reason,
    )


def _draw_row(invoice: Invoice, one: Draw, sequence: int) -> InvoiceDraw:
    return InvoiceDraw(
        organization_id=invoice.organization_id,
        invoice_id=invoice.id,
        line_position=one.position,
        grant_id=one.grant_id,
        unit=one.unit or invoice.currency,
        amount=one.amount,
        money=one.money,
        place=one.place,
        sequence=sequence,
    )
