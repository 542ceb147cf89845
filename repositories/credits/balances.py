"""What a wallet had at an instant: a sum of its postings up to then."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from repositories.credits.wallets import WalletKey


class LotAt(NamedTuple):
    """A grant that was alive at an instant: its rest then, and what was held of it besides."""

    grant_id: UUID
    rest: Decimal
    held: Decimal
    expires_at: datetime | None


LOTS_AT = text(
    """
    -- A lot is alive from the posting that grants it on, and before its expiry; what a hold has is
    -- free again by its time, whatever was posted of that.
    SELECT one.id,
        coalesce(sum(posting.amount) FILTER (WHERE posting.kind NOT IN ('held', 'released')), 0)
            - coalesce(-sum(posting.amount) FILTER (
                WHERE posting.kind IN ('held', 'released') AND hold.expires_at > :at), 0),
        coalesce(-sum(posting.amount) FILTER (
            WHERE posting.kind IN ('held', 'released') AND hold.expires_at > :at), 0),
        one.expires_at
    FROM credit_grant AS one
    JOIN credit_posting AS posting ON posting.organization_id = one.organization_id
        AND posting.grant_id = one.id AND posting.at <= :at
    LEFT JOIN credit_hold AS hold ON hold.organization_id = posting.organization_id
        AND hold.id = posting.hold_id
    WHERE one.organization_id = :organization_id AND one.customer_id = :customer_id
        AND one.unit = :unit AND (one.expires_at IS NULL OR one.expires_at > :at)
    GROUP BY one.organization_id, one.id
    ORDER BY one.sequence
    """
)


def list_lots_at(session: Session, key: WalletKey, at: datetime) -> list[LotAt]:
    """The wallet's grants that were alive at that instant, with what was left of each."""
    organization_id, customer_id, unit = key
    keys = {"organization_id": organization_id, "customer_id": customer_id, "unit": unit, "at": at}
    return [LotAt(*row) for row in session.execute(LOTS_AT, keys)]
