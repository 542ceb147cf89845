"""Holds that come at the same moment, placed by one statement: each as if it had come alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation
from psycopg.rows import tuple_row

from models.base import new_id
from repositories.asynchronous.tenant_reads import read_rows
from repositories.credits.holds import LENGTH_OF_STEM, HoldAsked
from repositories.subscriptions.unbilled_periods import has_unbilled_in


class Placed(NamedTuple):
    """A hold that was placed: the customer's present, and the amount at the unit's scale."""

    at: datetime
    amount: Decimal


# Wallets that somebody else works on are skipped, so that nobody waits for them here and nobody's
# hold for that of others. What bills would draw by now is not known here, so holds of wallets that
# unbilled periods draw on are left out as well.
_PLACE_ALL: Final = """
    SELECT placed.place, placed.present, placed.amount
    FROM (
        -- As arrays, since the function takes all of them in one call.
        SELECT array_agg(free.id) AS ids, array_agg(free.customer_id) AS customers,
            array_agg(free.unit) AS units, array_agg(free.amount) AS amounts,
            array_agg(free.expires_at) AS ends, array_agg(free.booked_at) AS times,
            array_agg(free.stem) AS stems, array_agg(free.place) AS places
        FROM (
            SELECT one.*
            FROM unnest(
                %(ids)s::uuid[], %(customers)s::uuid[], %(units)s::text[], %(amounts)s::numeric[],
                %(ends)s::timestamptz[], %(times)s::timestamptz[], %(stems)s::text[]
            ) WITH ORDINALITY
                AS one (id, customer_id, unit, amount, expires_at, booked_at, stem, place)
            JOIN wallet ON wallet.organization_id = tenant.id
                AND wallet.customer_id = one.customer_id AND wallet.unit = one.unit
            WHERE NOT {unbilled}
            -- Wallets are locked in the order in which they are asked for, which none waits in.
            ORDER BY one.place
            FOR UPDATE OF wallet SKIP LOCKED
        ) AS free
    ) AS asked
    -- Each hold of what those before it have left.
    CROSS JOIN LATERAL place_holds(
        tenant.id, asked.ids, asked.customers, asked.units, asked.amounts, asked.ends, asked.times,
        asked.stems, asked.places
    ) AS placed
    WHERE asked.ids IS NOT NULL
"""
PLACE_ALL: Final = _PLACE_ALL.format(
    unbilled=has_unbilled_in(organization="tenant.id", customer="one.customer_id", unit="one.unit")
)


def wallet_of(asked: HoldAsked) -> tuple[UUID, str]:
    """The wallet, within an organization, that a hold takes from."""
    return asked.customer_id, asked.unit


async def place_holds(
    connection: AsyncConnection, organization_id: UUID, asked: Sequence[HoldAsked]
) -> list[Placed | None]:
    """Set credit aside, of each hold all of it or nothing; None where nothing was.

    In one transaction of its own, those of a wallet in the order in which they are asked for. Why
    nothing was is for whoever asks again alone (:func:`repositories.credits.holds.place_hold`) to
    find out.
    """
    values = {
        "ids": [one.id for one in asked],
        "customers": [one.customer_id for one in asked],
        "units": [one.unit for one in asked],
        "amounts": [one.amount for one in asked],
        "ends": [one.expires_at for one in asked],
        "times": [one.now for one in asked],
        "stems": [str(new_id())[:LENGTH_OF_STEM] for _ in asked],
    }
    try:
        rows = await read_rows(connection, organization_id, PLACE_ALL, values, tuple_row)
    except UniqueViolation:
        # Somebody else placed a hold with the id of one of them meanwhile; all was rolled back.
        return [None] * len(asked)
    placed = {place: Placed(present, amount) for place, present, amount in rows}
    return [placed.get(place) for place in range(1, len(asked) + 1)]
