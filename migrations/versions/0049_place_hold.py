"""Credit is set aside in one statement, in the database itself: before an expensive job runs."""

from __future__ import annotations

from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    """Each statement of the function sees what is committed once the wallet's lock is had."""
    op.execute(
        """
        -- The order in which grants pay is also said by billing.credits.grants (CREDITS 10, 13);
        -- tests/services/credits/test_holds_by_model.py compares them. Whoever calls names their
        -- organization to row-level security before, and may do nothing here that they may not do.
        CREATE FUNCTION place_hold(
            tenant uuid, wanted_id uuid, named_customer uuid, named_unit text, wanted numeric,
            wanted_until timestamptz, accruing numeric, booked timestamptz, posting_stem text
        ) RETURNS TABLE (outcome text, present timestamptz, amount numeric) LANGUAGE plpgsql
        AS $$
        #variable_conflict use_column
        DECLARE
            counted_in credit_unit;
            lots record;
        BEGIN
            SELECT coalesce(clock.target_time, clock.frozen_time, booked) INTO present
            FROM customer
            LEFT JOIN test_clock AS clock ON clock.organization_id = customer.organization_id
                AND clock.id = customer.test_clock_id
            WHERE customer.organization_id = tenant AND customer.id = named_customer
                AND customer.deleted_at IS NULL;
            IF NOT FOUND THEN
                outcome := 'no_customer';
                RETURN NEXT; RETURN;
            END IF;
            SELECT * INTO counted_in FROM credit_unit
            WHERE credit_unit.organization_id = tenant AND credit_unit.code = named_unit;
            amount := round(wanted, counted_in.scale);
            IF NOT FOUND OR place_hold.amount <> wanted THEN
                outcome := 'not_in_unit';
                RETURN NEXT; RETURN;
            END IF;
            PERFORM FROM wallet
            WHERE wallet.organization_id = tenant AND wallet.customer_id = named_customer
                AND wallet.unit = named_unit
            FOR UPDATE;
            IF NOT FOUND THEN
                outcome := 'no_credit';
                RETURN NEXT; RETURN;
            END IF;
            IF EXISTS (
                SELECT FROM credit_hold AS hold
                WHERE hold.organization_id = tenant AND hold.id = wanted_id
            ) THEN
                outcome := 'known';
                RETURN NEXT; RETURN;
            END IF;
            -- What holds have whose time is over is free again first; that is posted elsewhere.
            IF EXISTS (
                SELECT FROM credit_hold AS hold
                WHERE hold.organization_id = tenant AND hold.customer_id = named_customer
                    AND hold.unit = named_unit AND hold.ended_at IS NULL
                    AND hold.expires_at <= present
            ) THEN
                outcome := 'some_over';
                RETURN NEXT; RETURN;
            END IF;
            IF wanted_until <= present OR wanted_until > present + interval '24 hours' THEN
                outcome := 'too_long';
                RETURN NEXT; RETURN;
            END IF;
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
                outcome := 'no_credit';
                RETURN NEXT; RETURN;
            END IF;
            INSERT INTO credit_hold (
                organization_id, id, customer_id, unit, amount, at, expires_at, created_at
            ) VALUES (
                tenant, wanted_id, named_customer, named_unit, place_hold.amount, present, wanted_until,
                booked
            );
            INSERT INTO credit_posting (
                organization_id, grant_id, sequence, follows, id, customer_id, unit, position,
                key, kind, grant_amount, amount, rest_before, rest_after, balance_after,
                hold_id, at, booked_at
            )
            SELECT tenant, parts.id, parts.sequence + 1, parts.sequence,
                -- Of the millisecond of the hold, and random beyond.
                (posting_stem || substr(gen_random_uuid()::text, 16))::uuid,
                named_customer, named_unit, newest.position + parts.place,
                'hold/' || wanted_id || '/' || parts.id, 'held', parts.granted,
                -parts.part, parts.rest, parts.rest - parts.part,
                newest.balance_after - sum(parts.part) OVER (ORDER BY parts.place),
                wanted_id, present, booked
            FROM (
                SELECT lot.*, least(lot.rest, wanted - (lot.up_to - lot.rest)) AS part
                FROM (
                    SELECT asked.*, sum(asked.rest) OVER (ORDER BY asked.place) AS up_to
                    FROM unnest(lots.ids, lots.amounts, lots.sequences, lots.rests)
                        WITH ORDINALITY AS asked (id, granted, sequence, rest, place)
                ) AS lot
                WHERE lot.up_to - lot.rest < wanted
            ) AS parts
            CROSS JOIN (
                SELECT posting.position, posting.balance_after FROM credit_posting AS posting
                WHERE posting.organization_id = tenant AND posting.customer_id = named_customer
                    AND posting.unit = named_unit
                ORDER BY posting.position DESC LIMIT 1
            ) AS newest
            ORDER BY parts.place;
            outcome := 'held';
            RETURN NEXT;
        END $$
        """
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION place_hold")
