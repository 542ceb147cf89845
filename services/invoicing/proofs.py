"""Why an invoice says what it says: the arithmetic of a line, its events, and a recomputation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, NotFound
from billing.invoicing.explanations import (
    Deducted,
    ExplainedDraw,
    LineDifference,
    explain_line,
    first_difference,
)
from billing.invoicing.invoices import InvoiceLine as BilledLine
from billing.invoicing.invoices import InvoiceStatus, round_line
from billing.money import find_currency
from billing.rating.frozen_usage import FrozenUsage, rate
from billing.rating.lines import CalculationStep, LineType, PricedLine, paid_as
from billing.rating.quantities import MeteredUsage, usage_by, usage_windows
from billing.rating.terms import PlanTerms
from models.invoicing.invoices import Invoice, InvoiceLine, InvoiceReceipt
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.usage.changes import LineChanges
from repositories.usage.digests import LineContents, write_digest
from services.corrections.late_usage import is_pending
from services.documents.contents import is_computed_bill, priced_line_of
from services.invoicing.commitments.checks import find_true_up_difference
from services.invoicing.prepaid.draw_checks import find_draw_differences
from services.rating import steps as bill_steps
from services.rating.frozen_usage import Rated
from services.rating.steps import BillKey
from services.required import require_invoice
from services.usage.measure import recompute_usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Every step of a line, and which events it counts: up to the watermark, in its period.

    ``digest`` is the fingerprint of those events, None for a line without a meter; ``changes`` is
    what a late line settles, None of every other.
    """

    steps: tuple[CalculationStep, ...]
    line: InvoiceLine
    customer_id: UUID
    watermark: int | None
    event_count: int
    digest: str | None
    changes: LineChanges | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether a bill comes out the same when it is computed again, and where not."""

    checked_at: datetime
    line_count: int
    difference: LineDifference | None
    line_id: UUID | None
    is_late_usage_pending: bool


def explain(contents: LineContents) -> Explanation:
    """The arithmetic of a line from the aggregate to the rounded amount. Raises NotFound."""
    line = contents.line
    if line is None:
        raise NotFound("Invoice line not found.", code="line_not_found")
    priced = priced_line_of(line)
    sums = contents.event_sums
    return Explanation(
        steps=explain_line(
            BilledLine(line=priced, line_total=line.line_total), _deducted(contents)
        ),
        line=line,
        customer_id=contents.customer_id,
        watermark=contents.watermark,
        event_count=priced.event_count or 0,
        digest=None if sums is None else write_digest(sums),
        changes=contents.changes,
    )


def _deducted(contents: LineContents) -> Deducted:
    return Deducted(
        coupons=[(code, Decimal(amount)) for code, amount in contents.coupons],
        draws=[
            ExplainedDraw(
                grant_id=grant_id,
                unit=unit,
                amount=Decimal(amount),
                money=Decimal(money),
                place=place,
            )
            for grant_id, unit, amount, money, place in contents.draws
        ],
        parts=[(place, at, Decimal(amount)) for place, at, amount in contents.parts],
    )


def get_receipt(session: Session, organization_id: UUID, invoice_id: UUID) -> InvoiceReceipt:
    """The receipt of a generated invoice. Raises NotFound for one that was written by hand."""
    _get(session, organization_id, invoice_id)
    receipt = stored_invoices.find_receipt(session, organization_id, invoice_id)
    if receipt is None:
        raise NotFound(
            "The invoice was not computed from usage, so it has no receipt.",
            code="receipt_not_found",
        )
    return receipt


def verify(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> Verification:
    """Compute the invoice again from raw events up to its watermark, and compare line by line.

    Later events, plan versions and rules do not matter, and nothing is changed. Raises NotFound
    without a receipt, Conflict for a draft that was edited by hand. Source: CONTRACT section 6, 58.
    """
    receipt = get_receipt(session, organization_id, invoice_id)
    invoice = _get(session, organization_id, invoice_id)
    if not is_computed_bill(invoice):
        raise Conflict("The invoice was edited by hand.", code="invoice_was_edited")
    all_rows = stored_invoices.list_lines(session, organization_id, [invoice_id])
    rows = [row for row in all_rows if is_computed(row)]
    line_count = len(rows)
    rated = _rate_again(session, invoice, receipt.revision)
    currency = find_currency(invoice.currency)
    billed = [_billed(row) for row in rows]
    lines = paid_as(rated.lines, [one.line for one in billed])
    difference = first_difference(billed, [round_line(line, currency) for line in lines])
    if difference is None:
        rows = list(all_rows)
        difference = find_true_up_difference(
            session, invoice, rows, rated.terms
        ) or _difference_of_draws(session, invoice, rows, rated)
    at = difference.place if difference else None
    return Verification(
        checked_at=now,
        line_count=line_count,
        difference=difference,
        line_id=rows[at].id if at is not None and at < len(rows) else None,
        is_late_usage_pending=is_pending(session, invoice),
    )


def _difference_of_draws(
    session: Session, invoice: Invoice, rows: Sequence[InvoiceLine], rated: Rated
) -> LineDifference | None:
    """What credit pays of a final bill, decided again; a draft posts nothing yet."""
    if invoice.status == InvoiceStatus.DRAFT:
        return None
    found = next(find_draw_differences(session, invoice, rows, rated), None)
    if found is None:
        return None
    return LineDifference(
        # Behind all lines where it is of none.
        place=len(rows) if found.line is None else found.line,
        field=found.field,
        billed=found.billed,
        recomputed=found.recomputed,
    )


def is_computed(line: InvoiceLine | PricedLine) -> bool:
    """Whether a line is computed from the period's own usage, and so computed again."""
    return line.charge_id is not None and line.type != LineType.LATE_USAGE


def _rate_again(session: Session, invoice: Invoice, revision: int) -> Rated:
    """The lines of the bill's own period, from raw events."""
    assert invoice.subscription_id is not None
    assert invoice.period_index is not None
    bill = replace(BillKey.of_invoice(invoice), revision=revision)
    frozen, terms = bill_steps.load_frozen(session, bill)
    usage = recompute_usage_of(session, invoice, frozen, terms)
    return Rated(terms=terms, frozen=frozen, lines=rate(terms, frozen, usage))


def recompute_usage_of(
    session: Session, invoice: Invoice, frozen: FrozenUsage, terms: PlanTerms
) -> tuple[MeteredUsage, ...]:
    """The usage of a period's bill from its raw events alone, up to the bill's watermark."""
    assert invoice.subscription_id is not None
    assert invoice.period_index is not None
    subscription = stored_subscriptions.find_subscription(
        session, invoice.organization_id, invoice.subscription_id
    )
    stored = stored_subscriptions.find_period(
        session, invoice.organization_id, invoice.subscription_id, invoice.period_index
    )
    assert subscription is not None
    assert stored is not None
    usage = recompute_usage(
        session,
        invoice.organization_id,
        subscription.customer_id,
        usage_windows(terms, frozen.period, bill_steps.anchor_of_period(subscription, stored)),
        frozen.watermark,
    )
    return usage_by(frozen.engine, usage)


def _billed(row: InvoiceLine) -> BilledLine:
    return BilledLine(line=priced_line_of(row), line_total=row.line_total)


def _get(session: Session, organization_id: UUID, invoice_id: UUID) -> Invoice:
    return require_invoice(stored_invoices.find_invoice(session, organization_id, invoice_id))
