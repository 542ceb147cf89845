"""What was sold and is not spent yet."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

UNSPENT = text(
    """
    SELECT one.cost_currency, one.cost_amount, one.amount, newest.rest_after + aside.held
    FROM credit_grant AS one
    JOIN LATERAL (
        SELECT rest_after FROM credit_posting AS posting
        WHERE posting.organization_id = one.organization_id AND posting.grant_id = one.id
        ORDER BY posting.sequence DESC LIMIT 1
    ) AS newest ON true
    -- What is held is the customer's until it is settled.
    CROSS JOIN LATERAL (
        SELECT coalesce(-sum(posting.amount), 0) AS held
        FROM credit_hold AS hold
        JOIN credit_posting AS posting ON posting.organization_id = hold.organization_id
            AND posting.hold_id = hold.id AND posting.kind = 'held'
            AND posting.grant_id = one.id
        WHERE hold.organization_id = one.organization_id
            AND hold.customer_id = one.customer_id AND hold.unit = one.unit
            AND hold.ended_at IS NULL
    ) AS aside
    WHERE one.organization_id = :organization_id AND one.kind = 'paid'
        AND (CAST(:unit AS text) IS NULL OR one.unit = :unit)
        AND newest.rest_after + aside.held > 0
    """
)


class Unspent(NamedTuple):
    """A grant that was sold, and what is left of it, what is held too."""

    currency: str
    cost: Decimal
    granted: Decimal
    rest: Decimal


def list_unspent(session: Session, organization_id: UUID, unit: str | None) -> Iterator[Unspent]:
    """Every grant that was sold and has something left, in one unit or in all."""
    keys = {"organization_id": organization_id, "unit": unit}
    return (Unspent(*row) for row in session.execute(UNSPENT, keys))
