"""What is due for how long, and why payments failed; one statement each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session


class FailedPayments(NamedTuple):
    """Payments that failed for one reason, in one currency; the words are of the last of them."""

    error_code: str | None
    error: str | None
    currency: str
    payments: int
    amount: Decimal
    last_at: datetime


# Each customer's present is the wall's or their clock's. An invoice is of the bucket of the whole
# days since its due date; what is owed of credit that was spent, of those since it is owed.
RECEIVABLES = text(
    """
    -- What invoices are due, and what customers owe on none.
    WITH due AS (
        SELECT customer_id, currency, amount_due AS amount, 0 AS owed, due_date AS since
        FROM invoice
        WHERE organization_id = :organization_id
            AND status IN ('OPEN', 'PAID') AND amount_due > 0
        UNION ALL
        SELECT customer_id, currency, owed_amount, owed_amount, owed_since
        FROM customer_account
        WHERE organization_id = :organization_id AND owed_amount > 0
    ),
    -- By whole days until the present of each customer.
    aged AS MATERIALIZED (
        SELECT due.customer_id, due.currency, due.amount, due.owed,
            floor(extract(epoch FROM
                coalesce(clock.frozen_time, :now) - due.since) / 86400) AS days
        FROM due
        JOIN customer ON customer.organization_id = :organization_id
            AND customer.id = due.customer_id
        LEFT JOIN test_clock AS clock ON clock.organization_id = customer.organization_id
            AND clock.id = customer.test_clock_id
    ),
    -- One row for each customer and currency, and one for each currency over all customers.
    summed AS (
        SELECT customer_id, currency, count(*) FILTER (WHERE owed = 0) AS invoices,
            sum(amount) AS total, sum(owed) AS owed,
            coalesce(sum(amount) FILTER (WHERE days < 1), 0) AS current,
            coalesce(sum(amount) FILTER (WHERE days BETWEEN 1 AND 30), 0) AS to_30,
            coalesce(sum(amount) FILTER (WHERE days BETWEEN 31 AND 60), 0) AS to_60,
            coalesce(sum(amount) FILTER (WHERE days BETWEEN 61 AND 90), 0) AS to_90,
            coalesce(sum(amount) FILTER (WHERE days > 90), 0) AS over_90
        FROM aged GROUP BY GROUPING SETS ((customer_id, currency), (currency))
    ),
    -- Who owes most comes first; only those of the page are asked for their names.
    page AS (
        SELECT owing.*, customer.name, customer.external_id
        FROM (
            SELECT * FROM summed WHERE customer_id IS NOT NULL
            ORDER BY total DESC, customer_id, currency OFFSET :offset LIMIT :limit
        ) AS owing
        JOIN customer ON customer.organization_id = :organization_id
            AND customer.id = owing.customer_id
    )
    SELECT
        (SELECT coalesce(jsonb_agg(to_jsonb(whole) ORDER BY whole.currency), '[]')
            FROM summed AS whole WHERE whole.customer_id IS NULL),
        (SELECT coalesce(jsonb_agg(to_jsonb(page)
            ORDER BY page.total DESC, page.customer_id, page.currency), '[]') FROM page),
        (SELECT count(*) FROM summed WHERE customer_id IS NOT NULL)
    """
)

FAILED = text(
    """
    SELECT error_code, (array_agg(error ORDER BY at DESC))[1], currency, count(*), sum(amount),
        max(at)
    FROM payment
    WHERE organization_id = :organization_id AND status = 'failed'
        AND at >= :since AND at < :until
    GROUP BY error_code, currency ORDER BY count(*) DESC, error_code, currency LIMIT 1000
    """
)


def read_receivables(
    session: Session, organization_id: UUID, *, now: datetime, offset: int, limit: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """Sums by age: of all customers by currency, of a page of them, and how many those are."""
    keys = {"organization_id": organization_id, "now": now, "offset": offset, "limit": limit}
    totals, customers, count = session.execute(RECEIVABLES, keys).one()
    return totals, customers, count


def list_failed(
    session: Session, organization_id: UUID, *, since: datetime, until: datetime
) -> Sequence[FailedPayments]:
    """Why payments failed from one instant to another, the most frequent reason first."""
    keys = {"organization_id": organization_id, "since": since, "until": until}
    return [FailedPayments(*row) for row in session.execute(FAILED, keys)]
