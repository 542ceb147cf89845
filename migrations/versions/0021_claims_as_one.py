"""What is charged of a customer's usage of a meter is one row, and a check keeps it apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint

from migrations import policies

revision = "0021"
down_revision = "0020"

FORMER = "former_claim"

# Parsed when it is created, so that its names mean the same whatever the search path of writers.
APART = """
CREATE FUNCTION spans_are_apart(spans tstzrange[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- In the order of their beginnings, none begins before the one before it has ended: one sort,
-- however many subscriptions a customer has had.
RETURN NOT EXISTS (
    SELECT FROM (
        SELECT starts_at,
            lag(coalesce(upper(span), 'infinity'), 1, '-infinity')
                OVER (ORDER BY starts_at) AS former_ends_at
        FROM unnest(spans) AS span
        CROSS JOIN LATERAL (SELECT coalesce(lower(span), '-infinity') AS starts_at) AS bound
    ) AS one
    WHERE starts_at < former_ends_at
)
"""

GATHER = """
INSERT INTO meter_claim (organization_id, customer_id, meter_id, subscription_ids, spans)
SELECT organization_id, customer_id, meter_id, array_agg(subscription_id),
    array_agg(tstzrange(starts_at, ends_at))
FROM former_claim GROUP BY organization_id, customer_id, meter_id
"""

TAKE_APART = """
INSERT INTO meter_claim
    (organization_id, customer_id, meter_id, subscription_id, starts_at, ends_at)
SELECT organization_id, customer_id, meter_id, subscription_id, lower(span), upper(span)
FROM former_claim, unnest(subscription_ids, spans) AS one(subscription_id, span)
"""


def upgrade() -> None:
    """Gather the claims of a customer on a meter; new pages of periods have room for edits."""
    op.execute("ALTER TABLE subscription_period SET (fillfactor = 50)")
    op.execute(APART)
    set_aside()
    create_claims(
        sa.Column("subscription_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("spans", sa.ARRAY(TSTZRANGE()), nullable=False),
        sa.CheckConstraint(
            "cardinality(subscription_ids) = cardinality(spans)",
            name=op.f("ck_meter_claim_pairs"),
        ),
        sa.CheckConstraint(
            "'empty' <> ALL (spans) AND array_position(spans, NULL) IS NULL",
            name=op.f("ck_meter_claim_spans"),
        ),
        sa.CheckConstraint(
            "cardinality(spans) < 2 OR spans_are_apart(spans)",
            name=op.f("ck_meter_claim_overlap"),
        ),
        key=("organization_id", "customer_id", "meter_id"),
    )
    fill(GATHER)


def downgrade() -> None:
    op.execute("ALTER TABLE subscription_period RESET (fillfactor)")
    set_aside()
    create_claims(
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
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
        key=("organization_id", "subscription_id", "meter_id", "starts_at"),
    )
    fill(TAKE_APART)
    op.execute("DROP FUNCTION spans_are_apart(tstzrange[])")


def set_aside() -> None:
    """The table has another name, and its constraints' names are free."""
    op.rename_table("meter_claim", FORMER)
    op.execute(f"ALTER TABLE {FORMER} RENAME CONSTRAINT pk_meter_claim TO pk_{FORMER}")


def create_claims(*columns: sa.schema.SchemaItem, key: tuple[str, ...]) -> None:
    """The table, with what both of its shapes have."""
    op.create_table(
        "meter_claim",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_meter_claim")),
    )
    policies.protect("meter_claim", privileges=("SELECT", "INSERT", "UPDATE", "DELETE"))


def fill(statement: str) -> None:
    """What was set aside is in the table, and gone."""
    with policies.unforced((FORMER, "meter_claim")):
        op.execute(statement)
    op.drop_table(FORMER)
