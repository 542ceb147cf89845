"""What coupons and prepaid credit take off invoices and commitments add, as receipts sign it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from sqlmodel import Session

from billing.credits.evidence import DrawingRecord
from billing.credits.grants import Place
from billing.invoicing.receipts import Document, canonical_document, digest, from_document
from billing.money import plain_text
from models.discounts.invoice_coupons import InvoiceCoupon, InvoiceCouponLine
from models.invoicing.draws import InvoiceDraw
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.discounts import uses as stored_uses
from repositories.invoicing import draws as stored_draws
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing.invoices import InvoiceKey
from services.documents.contents import priced_line_of

RECEIPT_FORMAT: Final = 2
"""What receipts sign: the first format, which had no number, left out what is taken off."""

SIGNED_TOTALS: Final = ("coupons_total", "credits_total")
PARTS: Final = ("coupons", "credits", "credits_after_tax", "drawing", "true_ups")
"""Parts of a document that a receipt signs by their digests, where it has them."""

Parts = dict[str, Document]


def signed_names() -> tuple[str, ...]:
    """What a receipt says of deductions, and of itself."""
    return ("format", *SIGNED_TOTALS, *(f"{name}_digest" for name in PARTS))


def sign_deductions(invoice: Invoice, parts: Parts) -> dict[str, str | int | None]:
    """What the receipt of an issued invoice says of them: totals, and digests of the parts."""
    return {
        "format": RECEIPT_FORMAT,
        **{name: plain_text(getattr(invoice, name)) for name in SIGNED_TOTALS},
        **{f"{name}_digest": digest(parts[name]) if name in parts else None for name in PARTS},
    }


def describe_deductions(session: Session, invoices: Iterable[Invoice]) -> dict[InvoiceKey, Parts]:
    """What is taken off each of some invoices, or added by commitments; of others nothing.

    Each draw names its grant, line, unit and amount, and as ``total`` how much money less the line
    is; the drawing is what draws were decided from: lots with their rests, and lines in segments.
    True-ups are what their lines were computed from. Those that have none of it cost no statement.
    """
    reduced = {
        (one.organization_id, one.id): one
        for one in invoices
        if one.coupons_total or one.is_drawn or one.has_true_ups
    }
    if not reduced:
        return {}
    lines = stored_invoices.list_lines_by_key(session, reduced.keys())
    coupons = _coupons(session, [key for key, one in reduced.items() if one.coupons_total], lines)
    draws = _draws(session, [key for key, one in reduced.items() if one.is_drawn], lines)
    return {
        key: {
            **coupons.get(key, {}),
            **draws.get(key, {}),
            **(_true_ups(lines[key]) if one.has_true_ups else {}),
        }
        for key, one in reduced.items()
    }


def _true_ups(lines: Sequence[InvoiceLine]) -> Parts:
    """What each line of a commitment was computed from, and which one it is."""
    described: list[Document] = []
    for row in lines:
        true_up = priced_line_of(row).true_up
        if true_up is not None:
            document = canonical_document(true_up)
            assert isinstance(document, dict)
            described.append({"line": row.position, "line_id": str(row.id), **document})
    return {"true_ups": described}


def _coupons(
    session: Session,
    keys: Collection[InvoiceKey],
    lines: Mapping[InvoiceKey, Sequence[InvoiceLine]],
) -> dict[InvoiceKey, Parts]:
    """What coupons take off which line, and whether that lowers what is taxed."""
    shares = stored_uses.list_coupon_lines(session, keys)
    found: dict[InvoiceKey, Parts] = {}
    for key, used in stored_uses.list_invoice_coupons(session, keys).items():
        at = {row.position: row for row in lines[key]}
        found[key] = {"coupons": [_coupon(one, shares[key], at) for one in used]}
    return found


def _coupon(
    one: InvoiceCoupon, shares: Sequence[InvoiceCouponLine], lines: Mapping[int, InvoiceLine]
) -> Document:
    return {
        "coupon_id": str(one.coupon_id),
        "code": one.code,
        "amount": plain_text(one.amount),
        "lines": [
            {**_place(lines[share.line_position]), "total": plain_text(-share.amount)}
            for share in shares
            if share.redemption_id == one.redemption_id
        ],
    }


def _draws(
    session: Session,
    keys: Collection[InvoiceKey],
    lines: Mapping[InvoiceKey, Sequence[InvoiceLine]],
) -> dict[InvoiceKey, Parts]:
    """What prepaid credit pays of which line; after tax it lowers what is due alone."""
    draws = stored_draws.list_draws(session, keys)
    drawings = stored_draws.list_drawings_of(session, keys)
    found: dict[InvoiceKey, Parts] = {}
    for key, rows in draws.items():
        by_position = {row.position: row for row in lines[key]}
        found[key] = {
            name: [_draw(one, by_position[one.line_position]) for one in rows if one.place == place]
            for name, place in (
                ("credits", Place.BEFORE_TAX),
                ("credits_after_tax", Place.AFTER_TAX),
            )
        }
        if key in drawings:
            record = from_document(DrawingRecord, drawings[key].content)
            found[key]["drawing"] = canonical_document(record)
    return found


def _draw(one: InvoiceDraw, line: InvoiceLine) -> Document:
    return {
        **_place(line),
        "grant_id": str(one.grant_id),
        "unit": one.unit,
        "amount": plain_text(one.amount),
        "total": plain_text(-one.money),
    }


def _place(line: InvoiceLine) -> dict[str, Document]:
    return {
        "line": line.position,
        "line_id": str(line.id),
        "is_taxable": priced_line_of(line).is_taxable,
    }
