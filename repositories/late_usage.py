"""Periods whose invoice is final and whose usage has changed since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from models.credit_notes import CreditNote
from models.invoices import Invoice, InvoiceLine
from models.subscriptions import Subscription, SubscriptionPeriod

CHANGED_PERIODS = text(
    """
    SELECT period.index
    FROM subscription_period AS period
    WHERE period.organization_id = :organization_id AND period.subscription_id = :subscription_id
        AND period.status = 'final'
        AND (
            EXISTS (
                SELECT FROM usage_event AS event
                WHERE event.organization_id = :organization_id
                    AND event.customer_id = :customer_id
                    AND event.timestamp >= period.starts_at AND event.timestamp < period.ends_at
                    AND event.arrival_sequence > coalesce(period.settled_watermark, 0)
                    AND event.late
            )
            OR EXISTS (
                SELECT FROM usage_correction AS correction
                WHERE correction.organization_id = :organization_id
                    AND correction.customer_id = :customer_id
                    AND correction.timestamp >= period.starts_at
                    AND correction.timestamp < period.ends_at
                    AND correction.arrival_sequence > coalesce(period.settled_watermark, 0)
            )
        )
    ORDER BY period.index
    """
)


def list_changed_periods(
    session: Session, subscription: Subscription
) -> Sequence[SubscriptionPeriod]:
    """Final periods with late events or corrections above what was billed, in order."""
    keys = {
        "organization_id": subscription.organization_id,
        "subscription_id": subscription.id,
        "customer_id": subscription.customer_id,
    }
    session.flush()  # plain statements do not do it by themselves
    indexes = session.execute(CHANGED_PERIODS, keys).scalars().all()
    if not indexes:
        return ()
    return session.exec(
        select(SubscriptionPeriod)
        .where(
            SubscriptionPeriod.organization_id == subscription.organization_id,
            SubscriptionPeriod.subscription_id == subscription.id,
            col(SubscriptionPeriod.index).in_(indexes),
        )
        .order_by(col(SubscriptionPeriod.index))
    ).all()


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
