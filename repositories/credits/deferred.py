"""What was sold and is not spent yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator
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


SAID = text(
    """
    -- Only returns leave what documents said of a grant's cost beside what its rest cost.
    WITH asked AS (
        SELECT DISTINCT grant_id FROM credit_posting
        WHERE organization_id = :organization_id AND grant_id = ANY(CAST(:grants AS uuid[]))
            AND kind = 'returned'
    )
    SELECT moved.grant_id, moved.after - moved.amount, moved.after,
        -- A void one says nothing any more.
        CASE WHEN invoice.status = 'VOID' THEN 0 WHEN moved.kind = 'drawn' THEN (
            SELECT coalesce(sum(draw.money), 0) FROM invoice_draw AS draw
            WHERE draw.organization_id = :organization_id AND draw.invoice_id = moved.invoice_id
                AND draw.line_position = moved.line_position AND draw.grant_id = moved.grant_id
        ) ELSE (
            SELECT coalesce(-sum(back.money), 0) FROM credit_note_return AS back
            WHERE back.organization_id = :organization_id AND back.grant_id = moved.grant_id
                AND back.credit_note_id = moved.credit_note_id
        ) END
    FROM asked
    -- What is held is the customer's until it is settled.
    CROSS JOIN LATERAL (
        SELECT posting.*, sum(posting.amount)
            FILTER (WHERE posting.kind NOT IN ('held', 'released'))
            OVER (ORDER BY posting.sequence) AS after
        FROM credit_posting AS posting
        WHERE posting.organization_id = :organization_id AND posting.grant_id = asked.grant_id
    ) AS moved
    JOIN invoice ON invoice.organization_id = :organization_id AND invoice.id = moved.invoice_id
    WHERE moved.kind IN ('drawn', 'returned')
    """
)


class SaidCost(NamedTuple):
    """What a document moved of a grant, and what it says that this had cost.

    ``before`` and ``after`` are what the customer had of it, what is held too.
    """

    grant_id: UUID
    before: Decimal
    after: Decimal
    money: Decimal


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


def list_said_costs(
    session: Session, organization_id: UUID, grant_ids: Collection[UUID]
) -> list[SaidCost]:
    """What documents said of the cost of those of these grants that got something back."""
    session.flush()
    keys = {"organization_id": organization_id, "grants": list(grant_ids)}
    return [SaidCost(*row) for row in session.execute(SAID, keys)]
