"""Usage that arrived after its period's invoice was final, settled on the next one.

What is wanted (the period computed anew) less what exists (everything billed for it so far): a
repeat finds nothing left to bill. Source: CONTRACT 19 and 48.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.adjustments import late_usage_line
from billing.invoicing import InvoiceStatus, round_line
from billing.lines import LineType, PricedLine
from billing.money import ZERO, Currency, find_currency
from billing.quantities import usage_windows
from billing.rating import rate_period
from models.invoices import Invoice
from models.subscriptions import Subscription, SubscriptionPeriod
from repositories import invoices, late_usage, organizations
from services import bill_steps
from services.bill_steps import BillKey
from services.invoice_text import period_text
from services.subscriptions import span_of
from services.usage import look_at_usage


def late_lines(
    session: Session, subscription: Subscription, *, leaving_out: UUID | None = None
) -> tuple[PricedLine, ...]:
    """One line per earlier period whose usage changed: recomputed less billed.

    ``leaving_out`` is the draft that is being written, whose own late lines do not count as billed.
    """
    organization = organizations.get_organization(session, subscription.organization_id)
    if organization.late_usage != "next_invoice":
        return ()
    lines = (
        late_line_of(session, subscription, stored, leaving_out=leaving_out)
        for stored in late_usage.list_changed_periods(session, subscription)
    )
    return tuple(line for line in lines if line is not None)


def settle(session: Session, subscription: Subscription, invoice: Invoice, watermark: int) -> None:
    """The late lines of an invoice that is now final need not be looked at again."""
    rows = invoices.list_lines(session, invoice.organization_id, [invoice.id])
    spans = [
        (row.period_start, row.period_end)
        for row in rows
        if row.type == LineType.LATE_USAGE and row.period_start and row.period_end
    ]
    late_usage.settle_periods(session, subscription, spans, watermark)


def late_line_of(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    *,
    leaving_out: UUID | None = None,
) -> PricedLine | None:
    """What a final period would be billed now, less what it was billed; None where equal."""
    invoice = invoices.find_period_invoice(
        session, subscription.organization_id, subscription.id, stored.index
    )
    # A void invoice has no effect, so there is nothing to correct.
    if invoice is None or invoice.status == InvoiceStatus.VOID:
        return None
    currency = find_currency(invoice.currency)
    bill = _bill_of(stored)
    billed = late_usage.sum_billed(session, subscription, invoice, leaving_out=leaving_out)
    if invoice.is_edited:
        # What people wrote replaced what had been measured by then; only the difference counts.
        drafted = bill_steps.load(session, bill, bill_steps.EVIDENCE, tuple[PricedLine, ...])
        billed += _total(drafted, currency)
    wanted = _total(_rate(session, subscription, stored, bill), currency)
    span = span_of(stored)
    return late_usage_line(
        recomputed=wanted,
        billed=billed,
        period=span,
        currency=currency,
        description=f"Late usage, {period_text(span, subscription.timezone)}",
    )


def _bill_of(stored: SubscriptionPeriod) -> BillKey:
    return BillKey(
        organization_id=stored.organization_id,
        subscription_id=stored.subscription_id,
        period_index=stored.index,
        revision=stored.revision,
    )


def _total(lines: Iterable[PricedLine], currency: Currency) -> Decimal:
    return sum((round_line(line, currency).line_total for line in lines), ZERO)


def _rate(
    session: Session, subscription: Subscription, stored: SubscriptionPeriod, bill: BillKey
) -> tuple[PricedLine, ...]:
    frozen, terms = bill_steps.load_frozen(session, bill)
    anchor = bill_steps.anchor_of_period(subscription, stored)
    present = look_at_usage(
        session,
        subscription.organization_id,
        subscription.customer_id,
        usage_windows(terms, frozen.period, anchor),
    )
    return rate_period(terms, frozen.period, present.usage, share=frozen.share)
