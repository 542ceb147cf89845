"""A hold looks up what is left of a grant as its turn comes, until there is enough."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"

DECLARED: Final = "            lots record;\n"
DECLARES: Final = """\
            turn record;
            lot_ids uuid[] := '{}';
            lot_amounts numeric[] := '{}';
            lot_sequences integer[] := '{}';
            lot_rests numeric[] := '{}';
            lot_free numeric := 0;
"""

RANKED_ALL: Final = """\
            -- Grants that pay for everything, are alive, and that the hold does not outlive.
            SELECT coalesce(sum(ranked.rest), 0) AS free, array_agg(ranked.id) AS ids,
                array_agg(ranked.amount) AS amounts, array_agg(ranked.sequence) AS sequences,
                array_agg(ranked.rest) AS rests
            INTO lots
            FROM (
                SELECT one.id, one.amount, newest.sequence, newest.rest_after AS rest
                FROM credit_grant AS one
                CROSS JOIN LATERAL (
                    SELECT posting.sequence, posting.rest_after FROM credit_posting AS posting
                    WHERE posting.organization_id = tenant AND posting.grant_id = one.id
                    ORDER BY posting.sequence DESC LIMIT 1
                ) AS newest
                JOIN credit_posting AS begun ON begun.organization_id = tenant
                    AND begun.grant_id = one.id AND begun.sequence = 1 AND begun.at <= present
                WHERE one.organization_id = tenant AND one.customer_id = named_customer
                    AND one.unit = named_unit AND newest.rest_after > 0
                    AND (one.expires_at IS NULL
                        OR one.expires_at > present AND one.expires_at >= wanted_until)
                    AND one.meter_ids = '{}' AND one.charge_ids = '{}'
                ORDER BY one.kind = 'paid' AND counted_in.tax = 'at_use', one.priority,
                    one.expires_at NULLS LAST, one.kind = 'paid', begun.at, one.sequence
            ) AS ranked;
            IF lots.free - accruing < wanted THEN
"""
RANKS_UNTIL_ENOUGH: Final = """\
            -- Grants that pay for everything, are alive, and that the hold does not outlive, in the
            -- order in which they pay: what is left of each is looked up as its turn comes.
            FOR turn IN
                SELECT ranked.id, ranked.amount, newest.sequence, newest.rest_after AS rest
                FROM (
                    SELECT one.id, one.amount, begun.at
                    FROM credit_grant AS one
                    -- What is sold may begin with its payment; all else begins when it says so.
                    CROSS JOIN LATERAL (
                        SELECT CASE one.spendable WHEN 'on_payment' THEN (
                            SELECT posting.at FROM credit_posting AS posting
                            WHERE posting.organization_id = tenant AND posting.grant_id = one.id
                                AND posting.sequence = 1
                        ) ELSE one.effective_at END AS at
                    ) AS begun
                    WHERE one.organization_id = tenant AND one.customer_id = named_customer
                        AND one.unit = named_unit AND begun.at <= present
                        AND (one.expires_at IS NULL
                            OR one.expires_at > present AND one.expires_at >= wanted_until)
                        AND one.meter_ids = '{}' AND one.charge_ids = '{}'
                    ORDER BY one.kind = 'paid' AND counted_in.tax = 'at_use', one.priority,
                        one.expires_at NULLS LAST, one.kind = 'paid', begun.at, one.sequence
                ) AS ranked
                CROSS JOIN LATERAL (
                    SELECT posting.sequence, posting.rest_after FROM credit_posting AS posting
                    WHERE posting.organization_id = tenant AND posting.grant_id = ranked.id
                    ORDER BY posting.sequence DESC LIMIT 1
                ) AS newest
                WHERE newest.rest_after > 0
            LOOP
                lot_ids := lot_ids || turn.id;
                lot_amounts := lot_amounts || turn.amount;
                lot_sequences := lot_sequences || turn.sequence;
                lot_rests := lot_rests || turn.rest;
                lot_free := lot_free + turn.rest;
                EXIT WHEN lot_free >= wanted + accruing;
            END LOOP;
            IF lot_free - accruing < wanted THEN
"""

ARRAYS_OF_ALL: Final = "unnest(lots.ids, lots.amounts, lots.sequences, lots.rests)"
ARRAYS_OF_ENOUGH: Final = "unnest(lot_ids, lot_amounts, lot_sequences, lot_rests)"

CHANGES: Final = (
    (DECLARED, DECLARES),
    (RANKED_ALL, RANKS_UNTIL_ENOUGH),
    (ARRAYS_OF_ALL, ARRAYS_OF_ENOUGH),
)


def upgrade() -> None:
    change_place_hold(CHANGES)


def downgrade() -> None:
    change_place_hold(tuple((after, before) for before, after in CHANGES))


def change_place_hold(changes: tuple[tuple[str, str], ...]) -> None:
    """The function is as it was, but for these parts."""
    connection = op.get_bind()
    text = connection.scalar(sa.text("SELECT pg_get_functiondef('place_hold'::regproc)"))
    for before, after in changes:
        assert text.count(before) == 1, "place_hold is the function that was made before"
        text = text.replace(before, after)
    connection.exec_driver_sql(text.replace("%", "%%"))
