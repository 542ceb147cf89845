"""Lots: of wallets' grants those that have something left, and of these those that a bill needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from billing.credits.bills import Need
from repositories.credits.wallets import WalletKey


class StoredLot(NamedTuple):
    """A grant as it was granted, and what its newest posting leaves of it."""

    organization_id: UUID
    customer_id: UUID
    unit: str
    id: UUID
    sequence: int
    amount: Decimal
    kind: str
    priority: int
    begins_at: datetime
    expires_at: datetime | None
    meter_ids: list[UUID]
    charge_ids: list[UUID]
    cost_amount: Decimal
    cost_currency: str | None
    rest: Decimal


# The order is that of billing.credits.grants (rule 10), apart for what is sold and what is free:
# whether these pay in one place of a bill is the unit's. Of lots that pay for everything from a
# need's begin to its end those come first that come to it: what pays later pays nothing. What
# begins or ends between is there nevertheless, for it cuts lines in parts.
LOTS = text(
    """
    SELECT organization_id, customer_id, unit, id, sequence, amount, kind, priority, begins_at,
        expires_at, meter_ids, charge_ids, cost_amount, cost_currency, rest
    FROM (
        -- What those that pay before it in every part of the need have left together.
        SELECT one.*, begun.at AS begins_at, newest.rest_after AS rest, asked.needed,
            sum(newest.rest_after) FILTER (
                WHERE one.meter_ids = '{}' AND one.charge_ids = '{}'
                    AND begun.at <= asked.since
                    -- What cost another currency may pay nothing of the bill.
                    AND (one.cost_currency IS NULL OR asked.currency IS NULL
                        OR one.cost_currency = asked.currency)
                    AND (one.expires_at IS NULL OR one.expires_at > asked.until)
            ) OVER (
                PARTITION BY one.organization_id, one.customer_id, one.unit, one.kind
                ORDER BY one.priority, one.expires_at NULLS LAST,
                    one.meter_ids = '{}' AND one.charge_ids = '{}', begun.at, one.sequence
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS paid_before,
            -- What is read however much is paid before it: where all is asked for, what is named,
            -- and what begins or ends within.
            asked.needed IS NULL OR one.id = ANY(CAST(:named AS uuid[]))
                OR begun.at > asked.since AND begun.at < asked.until
                OR one.expires_at > asked.since AND one.expires_at < asked.until AS is_kept
        FROM unnest(
            CAST(:organizations AS uuid[]), CAST(:customers AS uuid[]), CAST(:units AS text[]),
            CAST(:needs AS numeric[]), CAST(:begins AS timestamptz[]),
            CAST(:ends AS timestamptz[]), CAST(:currencies AS text[])
        ) AS asked (organization_id, customer_id, unit, needed, since, until, currency)
        JOIN credit_grant AS one ON one.organization_id = asked.organization_id
            AND one.customer_id = asked.customer_id AND one.unit = asked.unit
        -- What is sold may begin with its payment; all else begins when it says so.
        CROSS JOIN LATERAL (
            SELECT CASE one.spendable WHEN 'on_payment' THEN (
                SELECT posting.at FROM credit_posting AS posting
                WHERE posting.organization_id = one.organization_id
                    AND posting.grant_id = one.id AND posting.sequence = 1
            ) ELSE one.effective_at END AS at
        ) AS begun
        CROSS JOIN LATERAL (
            SELECT posting.rest_after FROM credit_posting AS posting
            WHERE posting.organization_id = one.organization_id AND posting.grant_id = one.id
            ORDER BY posting.sequence DESC LIMIT 1
        ) AS newest
        WHERE newest.rest_after > 0 OR one.id = ANY(CAST(:named AS uuid[]))
    ) AS lot
    WHERE lot.is_kept OR coalesce(lot.paid_before, 0) < lot.needed
    ORDER BY organization_id, customer_id, unit, sequence
    """
)


def list_lots(
    session: Session,
    wallets: Collection[WalletKey],
    needs: Mapping[WalletKey, Need],
    *,
    named: Collection[UUID],
) -> list[StoredLot]:
    """What of these wallets is granted and has something left, over or not.

    Of a wallet with a need only what could pay of it, or cuts it. Grants that are ``named`` are
    there with whatever rest.
    """
    asked = [needs.get(key) for key in wallets]
    keys = {
        "organizations": [key[0] for key in wallets],
        "customers": [key[1] for key in wallets],
        "units": [key[2] for key in wallets],
        "needs": [one and one.amount for one in asked],
        "begins": [one and one.since for one in asked],
        "ends": [one and one.until for one in asked],
        "currencies": [one and one.currency for one in asked],
        "named": list(named),
    }
    return [StoredLot(*row) for row in session.execute(LOTS, keys)]
