"""What pays of a customer's bills beside money: what is on the account, and whether credit may.

Asked as one, with coupons: most customers have neither, and their bills are to cost nothing more.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from repositories.asynchronous.prefetched import prefetchable
from repositories.credits.wallets import WalletKey


class Standing(NamedTuple):
    """What stands on an account, in which units there are wallets, and whether any coupon."""

    balance: Decimal
    units: frozenset[str]
    has_coupon: bool


STANDINGS = text(
    """
    SELECT asked.organization_id, asked.customer_id, asked.currency,
        coalesce(newest.balance_after, 0),
        ARRAY(
            SELECT wallet.unit FROM wallet
            WHERE wallet.organization_id = asked.organization_id
                AND wallet.customer_id = asked.customer_id
        ),
        EXISTS (
            SELECT FROM coupon_redemption AS redeemed
            WHERE redeemed.organization_id = asked.organization_id
                AND redeemed.customer_id = asked.customer_id AND redeemed.ended_at IS NULL
        )
    FROM unnest(
        CAST(:organizations AS uuid[]), CAST(:customers AS uuid[]), CAST(:currencies AS text[])
    ) AS asked (organization_id, customer_id, currency)
    LEFT JOIN LATERAL (
        SELECT balance_after FROM account_posting AS posting
        WHERE posting.organization_id = asked.organization_id
            AND posting.customer_id = asked.customer_id AND posting.currency = asked.currency
        ORDER BY posting.sequence DESC LIMIT 1
    ) AS newest ON true
    """
)


@prefetchable
def find_standings(session: Session, keys: Collection[WalletKey]) -> dict[WalletKey, Standing]:
    """How each customer stands in a currency."""
    asked = {
        "organizations": [key[0] for key in keys],
        "customers": [key[1] for key in keys],
        "currencies": [key[2] for key in keys],
    }
    return {
        (row[0], row[1], row[2]): Standing(Decimal(row[3]), frozenset(row[4]), row[5])
        for row in session.execute(STANDINGS, asked)
    }
