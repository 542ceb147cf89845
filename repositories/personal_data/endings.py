"""What of a customer has not ended yet: as long as there is any, bills and money need its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from models.subscriptions.states import HAS_NOT_ENDED

MOST_NAMED: Final = 20

_UNENDED: Final = text(
    f"""
    SELECT kind, name FROM (
        SELECT 1 AS place, 'subscription' AS kind, id::text AS name FROM subscription
        WHERE organization_id = :organization_id AND customer_id = :customer_id
            AND {HAS_NOT_ENDED}
        UNION ALL
        -- What ended may be left to be billed.
        SELECT 2, 'period', period.subscription_id || '/' || period.index
        FROM subscription
        JOIN subscription_period AS period ON period.organization_id = subscription.organization_id
            AND period.subscription_id = subscription.id
        WHERE subscription.organization_id = :organization_id
            AND subscription.customer_id = :customer_id AND NOT ({HAS_NOT_ENDED})
            AND period.status IN ('open', 'closed', 'parked')
        UNION ALL
        SELECT 3, CASE status WHEN 'DRAFT' THEN 'draft' ELSE 'open invoice' END,
            coalesce(invoice_number, id::text)
        FROM invoice
        WHERE organization_id = :organization_id AND customer_id = :customer_id
            AND status IN ('DRAFT', 'OPEN')
        UNION ALL
        -- What a gateway has not answered may come to anything.
        SELECT 4, 'payment', id::text FROM payment
        WHERE organization_id = :organization_id AND customer_id = :customer_id
            AND status = 'pending'
        UNION ALL
        SELECT 5, 'refund', refund.id::text FROM refund
        JOIN payment ON payment.organization_id = refund.organization_id
            AND payment.id = refund.payment_id
        WHERE payment.organization_id = :organization_id AND payment.customer_id = :customer_id
            AND refund.status = 'pending'
        UNION ALL
        -- On a page that closes, money may still be on its way.
        SELECT 6, 'payment page', link.id::text FROM payment_link AS link
        JOIN invoice ON invoice.organization_id = link.organization_id
            AND invoice.id = link.invoice_id
        WHERE invoice.organization_id = :organization_id AND invoice.customer_id = :customer_id
            AND (link.status <> 'closed' OR EXISTS (
                SELECT FROM gateway_task AS task
                WHERE task.organization_id = link.organization_id AND task.subject_id = link.id
                    AND task.kind = 'close_link' AND task.status = 'pending'
            ))
    ) AS unended ORDER BY place, name LIMIT :at_most
    """  # noqa: S608  (put together out of constants)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unended:
    """A subscription, a period, an invoice, or money on its way."""

    kind: str
    name: str


def list_unended(session: Session, organization_id: UUID, customer_id: UUID) -> list[Unended]:
    """What has not ended, in the order in which it is to be ended; the first of it."""
    values = {
        "organization_id": organization_id,
        "customer_id": customer_id,
        "at_most": MOST_NAMED,
    }
    return [Unended(**row) for row in session.execute(_UNENDED, values).mappings()]
