"""Whether what is taken off an invoice is what its receipt signed, and comes out again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlmodel import Session

from billing.invoicing.explanations import LineDifference
from models.invoicing.invoices import Invoice, InvoiceLine
from models.invoicing.receipts import SignedReceipt
from services.documents.deductions import SIGNED_TOTALS, describe_deductions, sign_deductions
from services.invoicing.commitments.checks import find_true_up_difference
from services.invoicing.prepaid.draw_checks import DrawDifference, find_draw_differences
from services.rating.frozen_usage import Rated
from services.receipts.flaws import Fault, Flaw, content_of, flaw_of

_CHANGED = {
    "coupons_digest": (Fault.COUPONS_CHANGED, "What coupons take off is not what was issued."),
    "true_ups_digest": (Fault.LINES_CHANGED, "What commitments add is not what was issued."),
    "drawing_digest": (Fault.CREDITS_CHANGED, "What its draws were decided from was changed."),
    "credits_digest": (Fault.CREDITS_CHANGED, "What credit pays is not what was issued."),
    "credits_after_tax_digest": (
        Fault.CREDITS_CHANGED,
        "What credit pays with taxes is not what was issued.",
    ),
}


def flaws_of_deductions(
    session: Session,
    receipt: SignedReceipt,
    invoice: Invoice,
    rows: Sequence[InvoiceLine],
    rated: Rated | None,
) -> Iterator[Flaw]:
    """What is wrong with coupons, true-ups and draws, draw by draw before what was signed of all.

    ``rated`` as for :func:`find_draw_differences`. Of a receipt of the first format, which signed
    none of them, draws are decided again all the same.
    """
    signed = content_of(receipt)
    said = sign_deductions(
        invoice,
        describe_deductions(session, [invoice]).get((invoice.organization_id, invoice.id), {}),
    )
    for name in SIGNED_TOTALS:
        if signed.get(name, said[name]) != said[name]:
            detail = f"{name} is {said[name]}, and was {signed[name]} when it was issued."
            yield flaw_of(receipt, Fault.INVOICE_CHANGED, detail)
    terms = None if rated is None else rated.terms
    true_up = find_true_up_difference(session, invoice, rows, terms)
    if true_up is not None:
        yield flaw_of(receipt, Fault.LINES_CHANGED, _of_true_up(true_up))
    for one in find_draw_differences(session, invoice, rows, rated):
        yield flaw_of(receipt, Fault.CREDITS_CHANGED, _sentence(one))
    for name, (fault, detail) in _CHANGED.items():
        if signed.get(name, said[name]) != said[name]:
            yield flaw_of(receipt, fault, detail)


def _of_true_up(one: LineDifference) -> str:
    return f"Line {one.place + 1}: {one.field} is {one.billed}, and comes out as {one.recomputed}."


def _sentence(one: DrawDifference) -> str:
    where = "" if one.line is None else f"Line {one.line + 1}: "
    return f"{where}{one.field} is {one.billed}, and comes out as {one.recomputed}."
