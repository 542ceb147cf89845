"""What was billed, given back, paid and refunded within a time, summed in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session


class TurnoverRow(NamedTuple):
    """What came to pass in one currency; sums are exact."""

    currency: str
    invoices: int
    invoiced: Decimal
    credited: Decimal
    paid: Decimal
    refunded: Decimal


# Each of the four reads its rows by an index on their instant. Invoices and payments, of which
# there are many, have what is summed in the index itself.
_TURNOVER = text(
    """
    -- One row for what each kind of document moved, in columns of its own.
    WITH moved AS (
        SELECT currency, count(*) AS invoices, sum(total) AS invoiced, 0 AS credited, 0 AS paid,
            0 AS refunded
        FROM invoice
        WHERE organization_id = :organization_id AND status <> 'DRAFT' AND status <> 'VOID'
            AND issue_date >= :since AND issue_date < :until
        GROUP BY currency
        UNION ALL
        SELECT currency, 0, 0, sum(total), 0, 0 FROM credit_note
        WHERE organization_id = :organization_id
            AND issue_date >= :since AND issue_date < :until
        GROUP BY currency
        UNION ALL
        SELECT currency, 0, 0, 0, sum(amount), 0 FROM payment
        WHERE organization_id = :organization_id AND status = 'succeeded'
            AND at >= :since AND at < :until
        GROUP BY currency
        UNION ALL
        -- A refund has its currency from what it gives back, and counts once it arrived.
        SELECT payment.currency, 0, 0, 0, 0, sum(refund.amount)
        FROM refund
        JOIN payment ON payment.organization_id = refund.organization_id
            AND payment.id = refund.payment_id
        WHERE refund.organization_id = :organization_id AND refund.status = 'succeeded'
            AND refund.settled_at >= :since AND refund.settled_at < :until
        GROUP BY payment.currency
    )
    SELECT currency, sum(invoices)::bigint, sum(invoiced), sum(credited), sum(paid), sum(refunded)
    FROM moved GROUP BY currency ORDER BY currency
    """
)


def read_turnover(
    session: Session, organization_id: UUID, *, since: datetime, until: datetime
) -> Sequence[TurnoverRow]:
    """What came to pass from one instant to another, the end excluded, by currency."""
    keys = {"organization_id": organization_id, "since": since, "until": until}
    return [TurnoverRow(*row) for row in session.execute(_TURNOVER, keys)]
