"""Whether what prepaid credit pays of a final invoice comes out again: lots, cuts, and draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from billing.credits.bills import Billed
from billing.credits.drawing import Draw, DrawableLine, Lot
from billing.credits.evidence import DrawingRecord, LotRecord, draw_again
from billing.credits.expiry import CostBasis
from billing.credits.grants import Grant, Place
from billing.credits.own_units import pay_in_units
from billing.errors import InvalidInput
from billing.invoicing.deductions import tax_and_credit
from billing.invoicing.receipts import canonical_bytes, from_document
from billing.money import ZERO, exactly, find_currency, plain_text
from models.credits.grants import CreditGrant
from models.invoicing.draws import InvoiceDraw
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories import customers as stored_customers
from repositories.credits import grants as stored_grants
from repositories.discounts import uses as stored_uses
from repositories.invoicing import draws as stored_draws
from repositories.invoicing import invoices as stored_invoices
from services.credits.standing import to_grant
from services.documents.contents import priced_line_of, tax_amount_of
from services.invoicing.prepaid.available import Totaling, available_credit
from services.rating.frozen_usage import Rated
from services.required import require_customer


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawDifference:
    """What of an invoice's credit comes out otherwise; ``line`` is the place of the line, if one's.

    ``field`` is ``credits.<grant>`` for what a grant pays of a line, ``segments`` for when it was
    used, ``grants.<grant>`` for a grant that is another by now, ``credits_before_tax`` and
    ``credits_after_tax`` for the sums, and ``drawing`` for what the draws were decided from.
    """

    line: int | None
    field: str
    billed: str | None
    recomputed: str | None


def find_draw_differences(
    session: Session, invoice: Invoice, rows: Sequence[InvoiceLine], rated: Rated | None
) -> Iterator[DrawDifference]:
    """Where draws, sums, grants or cuts of an invoice are not what comes out, in this order.

    ``rated`` is what its period's lines were computed to again, up to the bill's watermark; None
    where people wrote them, or where its events are not to be read again.
    """
    key = (invoice.organization_id, invoice.id)
    draws = stored_draws.list_draws(session, [key])[key]
    kept = stored_draws.list_drawings_of(session, [key]).get(key)
    if kept is None and not draws and not invoice.is_drawn:
        return
    try:
        record = from_document(DrawingRecord, None if kept is None else kept.content)
    except InvalidInput as error:
        yield DrawDifference(line=None, field="drawing", billed=error.detail, recomputed=None)
        return
    yield from _of_draws(draws, draw_again(record))
    yield from _of_totals(invoice, draws)
    yield from _of_grants(session, invoice, record)
    if rated is not None or invoice.period_index is None or invoice.is_edited:
        yield from _of_segments(session, invoice, rows, record, rated)


def _of_draws(said: Sequence[InvoiceDraw], again: Sequence[Draw]) -> Iterator[DrawDifference]:
    """Draw by draw: whether the grants in their order pay that much of that line, worth that."""
    billed = {(one.line_position, one.grant_id): (one.amount, one.place, one.money) for one in said}
    found = {
        (one.position, one.grant_id): (one.amount, one.place.value, one.money) for one in again
    }
    for line, grant_id in sorted(billed.keys() | found.keys()):
        old, new = billed.get((line, grant_id)), found.get((line, grant_id))
        if old != new:
            yield DrawDifference(
                line=line, field=f"credits.{grant_id}", billed=_drawn(old), recomputed=_drawn(new)
            )


def _drawn(one: tuple[Decimal, str, Decimal] | None) -> str | None:
    if one is None:
        return None
    amount, place, money = one
    # Draws in own units say money only where they are taxed by their cost.
    worth = "" if money in (amount, ZERO) else f" for {plain_text(money)}"
    return f"{plain_text(amount)} {place}{worth}"


@exactly
def _of_totals(invoice: Invoice, draws: Sequence[InvoiceDraw]) -> list[DrawDifference]:
    """What draws come to in money is what the document takes off, before tax and after it."""
    sums = {
        f"credits_{place.value}": sum((one.money for one in draws if one.place == place), ZERO)
        for place in Place
    }
    return [
        DrawDifference(
            line=None,
            field=name,
            billed=plain_text(getattr(invoice, name)),
            recomputed=plain_text(money),
        )
        for name, money in sums.items()
        if money != getattr(invoice, name)
    ]


def _of_grants(
    session: Session, invoice: Invoice, record: DrawingRecord
) -> Iterator[DrawDifference]:
    """A grant never changes: it is what it was as the invoice drew from it, or a lot was forged."""
    lots = {one.grant_id: (one.lot().grant, one.cost) for one in record.lots}
    rows = {
        one.grant.id: one
        for one in stored_grants.list_facts(session, invoice.organization_id, lots)
        if one.grant.customer_id == invoice.customer_id
    }
    for grant_id, (before, cost) in lots.items():
        facts, now = rows.get(grant_id), None
        if facts is not None and facts.begins_at is not None:
            now = to_grant(facts.grant, before.unit, begins_at=facts.begins_at)
        if now != before:
            yield DrawDifference(
                line=None,
                field=f"grants.{grant_id}",
                billed=_grant_text(before),
                recomputed=None if now is None else _grant_text(now),
            )
        elif facts is not None and cost is not None:
            yield from _of_cost(facts.grant, cost)


def _of_cost(row: CreditGrant, cost: CostBasis) -> Iterator[DrawDifference]:
    """What all of a grant was sold for never changes either."""
    before = f"{plain_text(cost.amount)} {cost.currency}"
    now = f"{plain_text(row.cost_amount)} {row.cost_currency}"
    if now != before:
        yield DrawDifference(line=None, field=f"grants.{row.id}", billed=before, recomputed=now)


def _grant_text(grant: Grant) -> str:
    return canonical_bytes(LotRecord.of(Lot(grant=grant, rest=grant.amount))).decode()


def _of_segments(
    session: Session,
    invoice: Invoice,
    rows: Sequence[InvoiceLine],
    record: DrawingRecord,
    rated: Rated | None,
) -> Iterator[DrawDifference]:
    """Line by line: whether it was used when the record says, so that those grants may pay it."""
    for said, again in zip(
        (record.in_units, record.in_units_at_use, record.before_tax, record.after_tax),
        _cut_again(session, invoice, rows, record, rated),
        strict=True,
    ):
        before = {one.position: one for one in said}
        after = {one.position: one for one in again}
        for line in sorted(before.keys() | after.keys()):
            old, new = before.get(line), after.get(line)
            if old != new:
                yield DrawDifference(
                    line=line, field="segments", billed=_text(old), recomputed=_text(new)
                )


def _text(line: DrawableLine | None) -> str | None:
    return None if line is None else canonical_bytes(line).decode()


def _cut_again(
    session: Session,
    invoice: Invoice,
    rows: Sequence[InvoiceLine],
    record: DrawingRecord,
    rated: Rated | None,
) -> tuple[tuple[DrawableLine, ...], ...]:
    """What of each line can be paid in its unit, before tax and after it, from events and lots."""
    assert invoice.finalized_at is not None
    customer = stored_customers.find_customer(session, invoice.organization_id, invoice.customer_id)
    # What the account pays, or keeps, closes a bill once all else is known.
    closing = sum(one > ZERO for one in (invoice.granted_credit, invoice.carried_credit))
    own = rows[: len(rows) - closing]
    asked = Totaling(
        customer=require_customer(customer, may_be_deleted=True),
        lines=[priced_line_of(row) for row in own],
        currency=invoice.currency,
        at=invoice.finalized_at,
        rated=rated,
    )
    credit = available_credit(
        session,
        asked,
        [one.lot() for one in record.lots],
        watermark=None if rated is None else rated.frozen.watermark,
    )
    in_units = pay_in_units(asked.lines, credit)
    taxes = stored_invoices.list_taxes(session, invoice.organization_id, [invoice.id])
    _, net, gross = tax_and_credit(
        _billed(session, invoice, own),
        [tax_amount_of(one) for one in taxes],
        find_currency(invoice.currency),
        in_units.credit,
    )
    return in_units.drawing.asked, in_units.at_use.asked, net.asked, gross.asked


@exactly
def _billed(session: Session, invoice: Invoice, rows: Sequence[InvoiceLine]) -> list[Billed]:
    off = stored_uses.sum_by_line(session, invoice.organization_id, invoice.id)
    return [
        Billed(
            line_total=row.line_total - line.cost_share - off.get(row.position, ZERO),
            discount=off.get(row.position, ZERO),
            cost_share=line.cost_share,
            is_taxable=line.is_taxable,
            charge_id=line.only_charge_id,
            meter_id=line.only_meter_id,
        )
        for row in rows
        for line in [priced_line_of(row)]
    ]
