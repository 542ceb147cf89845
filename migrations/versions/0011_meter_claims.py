"""Which meters subscriptions charge, and when, so that no instant is billed twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from migrations import policies

revision = "0011"
down_revision = "0010"

READ_BY_THE_MOVE = ("billing_run", "plan_version", "subscription", "subscription_period")
"""Tables that hide their rows from everybody who names no organization, their owner included."""

BUILD_CLAIMS = """
WITH billed AS (
    -- The newest revision of a bill says by which version of the plan it was made.
    SELECT DISTINCT ON (organization_id, subscription_id, period_index)
        organization_id, subscription_id, period_index,
        (content ->> 'plan_version')::integer AS plan_version
    FROM billing_run WHERE step = 'usage'
    ORDER BY organization_id, subscription_id, period_index, revision DESC
),
begun AS (
    SELECT organization_id, subscription_id, min(starts_at) AS at, min(index) AS first_index
    FROM subscription_period GROUP BY 1, 2
),
stretch AS (
    -- Every period that is stored, with the trial before the first one.
    SELECT subscription.organization_id, subscription.id AS subscription_id,
        coalesce(period.plan_id, subscription.plan_id) AS plan_id,
        coalesce(period.plan_version, billed.plan_version) AS plan_version,
        CASE WHEN period.index = begun.first_index
            THEN least(subscription.start_date, period.starts_at) ELSE period.starts_at
        END AS starts_at,
        period.ends_at
    FROM subscription
    JOIN begun ON begun.organization_id = subscription.organization_id
        AND begun.subscription_id = subscription.id
    JOIN subscription_period AS period ON period.organization_id = subscription.organization_id
        AND period.subscription_id = subscription.id
    LEFT JOIN billed ON billed.organization_id = period.organization_id
        AND billed.subscription_id = period.subscription_id AND billed.period_index = period.index
    UNION ALL
    -- A trial that has no period yet, or ended without one.
    SELECT subscription.organization_id, subscription.id, subscription.plan_id,
        subscription.plan_version, subscription.start_date,
        coalesce(subscription.ended_at, subscription.trial_end_date)
    FROM subscription
    LEFT JOIN begun ON begun.organization_id = subscription.organization_id
        AND begun.subscription_id = subscription.id
    WHERE begun.at IS NULL AND subscription.trial_end_date IS NOT NULL
        AND subscription.start_date < coalesce(subscription.ended_at, subscription.trial_end_date)
    UNION ALL
    -- What is to come.
    SELECT organization_id, id, coalesce(next_plan_id, plan_id),
        CASE WHEN next_plan_id IS NULL THEN plan_version END,
        CASE WHEN status = 'TRIAL' THEN trial_end_date ELSE current_period_end END, NULL
    FROM subscription
    WHERE status <> 'CANCELED' AND deleted_at IS NULL AND NOT cancel_at_period_end
),
wanted AS (
    SELECT subscription.organization_id, subscription.customer_id, meter.id AS meter_id,
        subscription.id AS subscription_id, subscription.created_at,
        range_agg(tstzrange(stretch.starts_at, stretch.ends_at, '[)')) AS spans
    FROM stretch
    JOIN subscription ON subscription.organization_id = stretch.organization_id
        AND subscription.id = stretch.subscription_id
    JOIN LATERAL (
        SELECT terms FROM plan_version AS kept
        WHERE kept.organization_id = stretch.organization_id AND kept.plan_id = stretch.plan_id
            AND kept.version = coalesce(stretch.plan_version, kept.version)
        ORDER BY kept.version DESC LIMIT 1
    ) AS kept ON true
    JOIN LATERAL (
        SELECT DISTINCT (charge #>> '{meter,meter_id}')::uuid AS id
        FROM jsonb_array_elements(kept.terms -> 'charges') AS charge
    ) AS meter ON meter.id IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5
),
alone AS (
    -- What overlaps already was billed twice: the subscription created later claims what is left,
    -- so that its claim begins where the earlier one's ends.
    SELECT organization_id, customer_id, meter_id, subscription_id,
        spans - coalesce(range_agg(spans) OVER earlier, '{}'::tstzmultirange) AS spans
    FROM wanted
    WINDOW earlier AS (
        PARTITION BY organization_id, customer_id, meter_id ORDER BY created_at, subscription_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)
INSERT INTO meter_claim
    (organization_id, customer_id, meter_id, subscription_id, starts_at, ends_at)
SELECT organization_id, customer_id, meter_id, subscription_id, lower(span), upper(span)
FROM alone, unnest(spans) AS span
"""


def upgrade() -> None:
    """Create the table, and claim for every subscription what it has charged and will charge."""
    op.create_table(
        "meter_claim",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_meter_claim_half_open")),
        ExcludeConstraint(
            ("organization_id", "="),
            ("customer_id", "="),
            ("meter_id", "="),
            (sa.text("tstzrange(starts_at, ends_at, '[)')"), "&&"),
            using="gist",
            name="ex_meter_claim_overlap",
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", f"{table}_id"],
                [f"{table}.organization_id", f"{table}.id"],
                name=op.f(f"fk_meter_claim_organization_id_{table}_id"),
            )
            for table in ("customer", "subscription", "meter")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_meter_claim_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "subscription_id",
            "meter_id",
            "starts_at",
            name=op.f("pk_meter_claim"),
        ),
    )
    with policies.unforced(READ_BY_THE_MOVE):
        op.execute(BUILD_CLAIMS)
    policies.protect("meter_claim", privileges=("SELECT", "INSERT", "UPDATE", "DELETE"))


def downgrade() -> None:
    op.drop_table("meter_claim")
