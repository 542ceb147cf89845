"""Whether what commitments add to an invoice comes out again, of what it was computed from.

That is signed with the receipt. What other documents say of a term may be another by now: it is
what they said then.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from billing.invoicing.explanations import LineDifference
from billing.invoicing.true_ups import said_of
from billing.money import ZERO, exactly, find_currency, plain_text
from billing.rating.terms import PlanTerms
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.discounts import uses as stored_uses
from services.documents.contents import priced_line_of


@exactly
def find_true_up_difference(
    session: Session, invoice: Invoice, rows: Sequence[InvoiceLine], terms: PlanTerms | None
) -> LineDifference | None:
    """The first line of a commitment that comes out otherwise, named by its place, or None.

    ``terms`` are those of the invoice's period, None where it has none.
    """
    if not invoice.has_true_ups:
        return None
    currency = find_currency(invoice.currency)
    off = stored_uses.sum_by_line(session, invoice.organization_id, invoice.id)
    lines = [priced_line_of(row) for row in rows]
    left = [
        (line, row.line_total - off.get(row.position, ZERO))
        for line, row in zip(lines, rows, strict=True)
    ]
    for place, (line, row) in enumerate(zip(lines, rows, strict=True)):
        if line.true_up is None:
            continue
        said = line.true_up
        again = said.with_own(said_of(left, said))
        known = terms is None or said.is_correction or said.commitment in terms.commitments
        if not known:
            return _differs(place, "commitment", str(said.commitment.commitment_id), None)
        if again.own != said.own:
            return _differs(place, "own", plain_text(said.own), plain_text(again.own))
        amount = currency.round(again.left_to_say(currency))
        if amount != row.line_total:
            return _differs(place, "line_total", plain_text(row.line_total), plain_text(amount))
    return None


def _differs(place: int, field: str, billed: str, recomputed: str | None) -> LineDifference:
    return LineDifference(place=place, field=field, billed=billed, recomputed=recomputed)
