"""Holds of a moment are placed by one statement where a single grant of each wallet is enough."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"

RANKED_HERE: Final = """\
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
"""
RANKED_ONCE: Final = """\
                FROM holdable_grants(
                    tenant, named_customer, named_unit, counted_in.tax, present, wanted_until
                ) AS ranked
"""


def upgrade() -> None:
    create_holdable_grants()
    change_place_hold(RANKED_HERE, RANKED_ONCE)
    create_place_holds()


def downgrade() -> None:
    op.execute("DROP FUNCTION place_holds")
    change_place_hold(RANKED_ONCE, RANKED_HERE)
    op.execute("DROP FUNCTION holdable_grants")


def change_place_hold(before: str, after: str) -> None:
    """The function is as it was, but for that part."""
    connection = op.get_bind()
    stood = connection.scalar(sa.text("SELECT pg_get_functiondef('place_hold'::regproc)"))
    assert stood.count(before) == 1, "place_hold is the function that was made before"
    connection.exec_driver_sql(stood.replace(before, after).replace("%", "%%"))


def create_holdable_grants() -> None:
    """The order of grants for a hold, in one place; the planner puts it where it is asked for."""
    op.execute(
        """
        -- Grants that pay for everything, are alive, and that the hold does not outlive, in the
        -- order in which they pay. billing.credits.grants says the same order (CREDITS 10, 13);
        -- tests/services/credits/test_holds_by_model.py compares them.
        CREATE FUNCTION holdable_grants(
            tenant uuid, named_customer uuid, named_unit text, taxed text, present timestamptz,
            wanted_until timestamptz
        ) RETURNS TABLE (id uuid, amount numeric) LANGUAGE sql STABLE
        AS $$
            SELECT one.id, one.amount
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
            ORDER BY one.kind = 'paid' AND taxed = 'at_use', one.priority,
                one.expires_at NULLS LAST, one.kind = 'paid', begun.at, one.sequence
        $$
        """
    )


def create_place_holds() -> None:
    """Each statement of the function sees what is committed once the wallets' locks are had."""
    op.execute(
        """
        -- As place_hold, for holds of wallets that the caller has locked and that nothing accrues
        -- to. The first of each wallet is placed with the others where the first grant that has
        -- anything left is enough and nothing is in the way; whatever else, by place_hold, in its
        -- turn. Gives those that were placed.
        CREATE FUNCTION place_holds(
            tenant uuid, ids uuid[], customers uuid[], units text[], amounts numeric[],
            ends timestamptz[], times timestamptz[], stems text[], places bigint[]
        ) RETURNS TABLE (place bigint, present timestamptz, amount numeric) LANGUAGE plpgsql
        AS $$
        #variable_conflict use_column
        DECLARE
            turn record;
            done bigint[] := '{}';
        BEGIN
            FOR turn IN
                WITH asked AS (
                    SELECT one.*
                    FROM (
                        SELECT given.*,
                            min(given.place) OVER (
                                PARTITION BY given.customer_id, given.unit
                            ) AS first_of_wallet,
                            min(given.place) OVER (PARTITION BY given.id) AS first_of_id
                        FROM unnest(ids, customers, units, amounts, ends, times, stems, places)
                            AS given (id, customer_id, unit, wanted, until, booked, stem, place)
                    ) AS one
                    WHERE one.place = one.first_of_wallet AND one.place = one.first_of_id
                ), ready AS MATERIALIZED (
                    SELECT asked.*, now_is.present, round(asked.wanted, unit.scale) AS amount,
                        lot.id AS grant_id, lot.amount AS granted, lot.sequence, lot.rest,
                        last.position, last.balance_after
                    -- Each is looked up for each hold (OFFSET keeps it so): a join might read all
                    -- customers of the organization, or all of its rules.
                    FROM asked
                    CROSS JOIN LATERAL (
                        SELECT coalesce((
                            SELECT coalesce(clock.target_time, clock.frozen_time)
                            FROM test_clock AS clock
                            WHERE clock.organization_id = tenant
                                AND clock.id = customer.test_clock_id
                        ), asked.booked) AS present
                        FROM customer
                        WHERE customer.organization_id = tenant AND customer.id = asked.customer_id
                            AND customer.deleted_at IS NULL
                        OFFSET 0
                    ) AS now_is
                    CROSS JOIN LATERAL (
                        SELECT counted_in.scale, counted_in.tax FROM credit_unit AS counted_in
                        WHERE counted_in.organization_id = tenant AND counted_in.code = asked.unit
                            AND round(asked.wanted, counted_in.scale) = asked.wanted
                        OFFSET 0
                    ) AS unit
                    CROSS JOIN LATERAL (
                        SELECT ranked.id, ranked.amount, newest.sequence, newest.rest_after AS rest
                        FROM holdable_grants(
                            tenant, asked.customer_id, asked.unit, unit.tax, now_is.present,
                            asked.until
                        ) AS ranked
                        CROSS JOIN LATERAL (
                            SELECT posting.sequence, posting.rest_after
                            FROM credit_posting AS posting
                            WHERE posting.organization_id = tenant AND posting.grant_id = ranked.id
                            ORDER BY posting.sequence DESC LIMIT 1
                        ) AS newest
                        WHERE newest.rest_after > 0
                        LIMIT 1
                    ) AS lot
                    CROSS JOIN LATERAL (
                        SELECT posting.position, posting.balance_after
                        FROM credit_posting AS posting
                        WHERE posting.organization_id = tenant
                            AND posting.customer_id = asked.customer_id
                            AND posting.unit = asked.unit
                        ORDER BY posting.position DESC LIMIT 1
                    ) AS last
                    WHERE lot.rest >= asked.wanted AND asked.until > now_is.present
                        AND asked.until <= now_is.present + interval '24 hours'
                        AND NOT EXISTS (
                            SELECT FROM credit_hold AS hold
                            WHERE hold.organization_id = tenant AND hold.id = asked.id
                            OFFSET 0
                        )
                        AND NOT EXISTS (
                            SELECT FROM credit_hold AS hold
                            WHERE hold.organization_id = tenant
                                AND hold.customer_id = asked.customer_id
                                AND hold.unit = asked.unit AND hold.ended_at IS NULL
                                AND hold.expires_at <= now_is.present
                            OFFSET 0
                        )
                        AND NOT EXISTS (
                            SELECT FROM credit_grant_rule AS rule
                            WHERE rule.organization_id = tenant
                                AND rule.customer_id = asked.customer_id
                                AND rule.unit = asked.unit AND rule.kind = 'free'
                                AND rule.next_at <= now_is.present
                            OFFSET 0
                        )
                ), held AS (
                    INSERT INTO credit_hold (
                        organization_id, id, customer_id, unit, amount, at, expires_at, created_at
                    )
                    SELECT tenant, ready.id, ready.customer_id, ready.unit, ready.amount,
                        ready.present, ready.until, ready.booked
                    FROM ready
                ), posted AS (
                    INSERT INTO credit_posting (
                        organization_id, grant_id, sequence, follows, id, customer_id, unit,
                        position, key, kind, grant_amount, amount, rest_before, rest_after,
                        balance_after, hold_id, at, booked_at
                    )
                    SELECT tenant, ready.grant_id, ready.sequence + 1, ready.sequence,
                        -- Of the millisecond of the hold, and random beyond.
                        (ready.stem || substr(gen_random_uuid()::text, 16))::uuid,
                        ready.customer_id, ready.unit, ready.position + 1,
                        'hold/' || ready.id || '/' || ready.grant_id, 'held', ready.granted,
                        -ready.wanted, ready.rest, ready.rest - ready.wanted,
                        ready.balance_after - ready.wanted, ready.id, ready.present, ready.booked
                    FROM ready
                )
                SELECT ready.place, ready.present, ready.amount FROM ready
            LOOP
                done := done || turn.place;
                place := turn.place;
                present := turn.present;
                amount := turn.amount;
                RETURN NEXT;
            END LOOP;
            IF cardinality(done) = cardinality(ids) THEN
                RETURN;
            END IF;
            FOR turn IN
                SELECT one.* FROM unnest(ids, customers, units, amounts, ends, times, stems, places)
                    AS one (id, customer_id, unit, wanted, until, booked, stem, place)
                WHERE one.place <> ALL (done)
                ORDER BY one.place
            LOOP
                SELECT turn.place, placed.present, placed.amount INTO place, present, amount
                FROM place_hold(
                    tenant, turn.id, turn.customer_id, turn.unit, turn.wanted, turn.until, 0,
                    turn.booked, turn.stem
                ) AS placed
                WHERE placed.outcome = 'held';
                IF FOUND THEN
                    RETURN NEXT;
                END IF;
            END LOOP;
        END $$
        """
    )
