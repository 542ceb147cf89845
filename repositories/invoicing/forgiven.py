"""What void invoices said of periods that others billed as well, and nobody says again.

Source: CONTRACT 85.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from billing.identifiers import ChargeId
from billing.rating.lines import CorrectedCharge
from models.base import new_id
from models.invoicing.invoices import Invoice
from models.invoicing.late_usage import ForgivenCharge
from models.subscriptions.subscriptions import Subscription

# Its lines bill the whole period; what invoices before it billed stands against them.
SAID_OF_OWN = text(
    """
    SELECT said.charge_id, sum(said.amount) AS amount
    FROM (
        SELECT line.charge_id, coalesce(line.amount_in_unit, line.line_total) AS amount
        FROM invoice_line AS line
        WHERE line.organization_id = :organization_id AND line.invoice_id = :invoice_id
            AND line.charge_id IS NOT NULL
        UNION ALL
        -- What people gave back of it is gone with it.
        SELECT part.charge_id, part.amount
        FROM correction_part AS part
        WHERE part.organization_id = :organization_id AND part.invoice_id = :invoice_id
            AND part.subscription_id = :subscription_id AND part.period_index = :period_index
            AND NOT part.is_by_hand
    ) AS said
    GROUP BY said.charge_id
    HAVING sum(said.amount) <> 0
    ORDER BY said.charge_id
    """
)


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


def list_said_of_own(
    session: Session, subscription: Subscription, invoice: Invoice
) -> list[CorrectedCharge]:
    """What an invoice bills of each charge of its own period, less what others billed before."""
    assert invoice.period_index is not None
    session.flush()
    keys = {
        "organization_id": invoice.organization_id,
        "subscription_id": subscription.id,
        "invoice_id": invoice.id,
        "period_index": invoice.period_index,
    }
    return [
        CorrectedCharge(
            period_index=invoice.period_index, charge_id=ChargeId(charge_id), amount=amount
        )
        for charge_id, amount in session.execute(SAID_OF_OWN, keys)
    ]


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
