"""What void invoices said of other periods than their own, and nobody says again (CONTRACT 85)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session, col, select

from billing.identifiers import ChargeId
from models.base import new_id
from models.invoicing.late_usage import ForgivenCharge
from models.subscriptions.subscriptions import Subscription


def list_forgiven(
    session: Session, subscription: Subscription, period_index: int
) -> Sequence[ForgivenCharge]:
    """What was forgiven of a period, of its charges and of it as one, the first first."""
    session.flush()
    return session.exec(
        select(ForgivenCharge)
        .where(
            ForgivenCharge.organization_id == subscription.organization_id,
            ForgivenCharge.subscription_id == subscription.id,
            ForgivenCharge.period_index == period_index,
        )
        .order_by(col(ForgivenCharge.id))
    ).all()


def insert_forgiven(
    session: Session,
    subscription: Subscription,
    invoice_id: UUID,
    period_index: int,
    *,
    charge_id: ChargeId | None,
    billed: Decimal,
    amount: Decimal,
    rewritten_id: UUID | None = None,
) -> None:
    """What a void invoice said of a charge is forgiven: ``billed`` stands without it.

    None is the period as one, ``rewritten_id`` its invoice if people rewrote that.
    """
    session.add(
        ForgivenCharge(
            organization_id=subscription.organization_id,
            id=new_id(),
            subscription_id=subscription.id,
            period_index=period_index,
            charge_id=charge_id,
            invoice_id=invoice_id,
            rewritten_id=rewritten_id,
            billed=billed,
            amount=amount,
        )
    )
