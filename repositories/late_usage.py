"""Periods whose invoice is final and whose usage has changed since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, ColumnExpressionArgument, exists, func, or_
from sqlmodel import Session, col, select

from models.credit_notes import CreditNote
from models.invoices import Invoice, InvoiceLine
from models.subscriptions import Subscription, SubscriptionPeriod
from models.usage_events import UsageCorrection, UsageEvent


def list_changed_periods(
    session: Session, subscription: Subscription
) -> Sequence[SubscriptionPeriod]:
    """Final periods with late events or corrections above what was billed, in order."""
    return session.exec(
        select(SubscriptionPeriod)
        .where(
            SubscriptionPeriod.organization_id == subscription.organization_id,
            SubscriptionPeriod.subscription_id == subscription.id,
            SubscriptionPeriod.status == "final",
            or_(
                _has_arrivals(UsageEvent, subscription, col(UsageEvent.late)),
                _has_arrivals(UsageCorrection, subscription),
            ),
        )
        .order_by(col(SubscriptionPeriod.index))
    ).all()


def _has_arrivals(
    table: type[UsageEvent | UsageCorrection],
    subscription: Subscription,
    *conditions: ColumnExpressionArgument[bool],
) -> ColumnElement[bool]:
    return exists().where(
        col(table.organization_id) == subscription.organization_id,
        col(table.customer_id) == subscription.customer_id,
        col(table.timestamp) >= col(SubscriptionPeriod.starts_at),
        col(table.timestamp) < col(SubscriptionPeriod.ends_at),
        col(table.arrival_sequence) > func.coalesce(SubscriptionPeriod.settled_watermark, 0),
        *conditions,
    )


def sum_billed(
    session: Session,
    subscription: Subscription,
    invoice: Invoice,
    *,
    leaving_out: UUID | None,
) -> Decimal:
    """What a period was billed in all: charges on its invoice, late lines and late credits since.

    Of an invoice that people edited only the late lines count.
    """
    is_charge = col(InvoiceLine.charge_id).is_not(None)
    own = (col(InvoiceLine.invoice_id) == invoice.id) & is_charge
    late = (
        (col(InvoiceLine.type) == "late_usage")
        & (col(InvoiceLine.period_start) == invoice.period_start)
        & (col(InvoiceLine.period_end) == invoice.period_end)
        & (col(Invoice.subscription_id) == subscription.id)
        & (col(Invoice.status) != "VOID")
    )
    statement = (
        select(func.coalesce(func.sum(InvoiceLine.line_total), 0))
        .join(
            Invoice,
            (col(Invoice.organization_id) == col(InvoiceLine.organization_id))
            & (col(Invoice.id) == col(InvoiceLine.invoice_id)),
        )
        .where(col(InvoiceLine.organization_id) == subscription.organization_id, own | late)
    )
    if leaving_out is not None:
        statement = statement.where(col(InvoiceLine.invoice_id) != leaving_out)
    credited = select(func.coalesce(func.sum(CreditNote.subtotal), 0)).where(
        CreditNote.organization_id == subscription.organization_id,
        CreditNote.invoice_id == invoice.id,
        CreditNote.kind == "late_usage",
    )
    return Decimal(session.exec(statement).one()) - Decimal(session.exec(credited).one())


def settle_periods(
    session: Session,
    subscription: Subscription,
    spans: Sequence[tuple[datetime, datetime]],
    watermark: int,
) -> None:
    """What arrived in these periods up to the watermark is billed now."""
    for stored in session.exec(
        select(SubscriptionPeriod).where(
            SubscriptionPeriod.organization_id == subscription.organization_id,
            SubscriptionPeriod.subscription_id == subscription.id,
            col(SubscriptionPeriod.starts_at).in_([starts_at for starts_at, _ in spans]),
        )
    ):
        stored.settled_watermark = watermark
        session.add(stored)
