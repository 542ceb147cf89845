"""What happens next by itself to open invoices, in the order in which it will."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from repositories.payments.collections import FACTS, StoredCollection, read_collection

# The first of `entries_of` (billing/payments/dunning.py), which has the rule in words; days are of
# 24 hours there, and so they are here.
NEXT_AT: Final = """
    CASE
        -- What became of a try is asked for before all else.
        WHEN pending_at IS NOT NULL THEN pending_at
        WHEN is_due THEN least(
            -- The next try: once the invoice is open, unless one on a page was quicker and failed,
            -- then days after the first that failed.
            CASE WHEN has_gateway AND exhausted_at IS NULL THEN (
                SELECT min(try.at) FROM (
                    SELECT opened_at WHERE (page_failed_at >= opened_at) IS NOT TRUE
                    UNION ALL
                    SELECT first_at + day::integer * interval '24 hours'
                    FROM jsonb_array_elements(dunning -> 'retry_days') AS day
                ) AS try (at)
                WHERE charged_through IS NULL OR try.at > charged_through
            ) END,
            -- The next reminder, of the days around the due date.
            CASE WHEN auto_email THEN (
                SELECT min(reminder.at)
                FROM unnest(reminder_days) AS day
                CROSS JOIN LATERAL (SELECT due_date + day * interval '24 hours') AS reminder (at)
                WHERE reminder.at > opened_at
                    AND (reminded_through IS NULL OR reminder.at > reminded_through)
            ) END,
            -- The end of them, at the last try.
            CASE WHEN exhausted_at IS NULL THEN first_at + (
                SELECT coalesce(max(day::integer), 0)
                FROM jsonb_array_elements(dunning -> 'retry_days') AS day
            ) * interval '24 hours' END
        )
    END"""

SCHEDULED = text(
    f"""
    SELECT * FROM (
        SELECT facts.*, {NEXT_AT} AS next_at
        FROM ({FACTS} AND collection.status = 'active') AS facts
    ) AS due
    WHERE next_at IS NOT NULL
        AND (CAST(:after_at AS timestamptz) IS NULL
            OR (next_at, invoice_id) > (:after_at, :after_invoice))
    ORDER BY next_at, invoice_id LIMIT :limit
    """  # noqa: S608  (put together out of constants)
)


def list_scheduled(
    session: Session,
    organization_id: UUID,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[StoredCollection]:
    """The collections behind an instant and an invoice, by when something happens next to them.

    Those to which nothing will happen are not among them.
    """
    at, invoice_id = (None, None) if after is None else after
    keys = {
        "organization_id": organization_id,
        "after_at": at,
        "after_invoice": invoice_id,
        "limit": limit,
    }
    return [read_collection(row) for row in session.execute(SCHEDULED, keys)]
