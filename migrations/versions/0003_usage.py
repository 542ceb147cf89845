"""Usage events by month, their identities and corrections, and the hourly roll-ups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0003"
down_revision = "0002"

TABLES = (
    "usage_event",
    "usage_event_key",
    "usage_correction",
    "usage_rollup",
    "usage_distinct",
)
APPEND_ONLY = ("usage_event", "usage_event_key", "usage_correction")
FIRST_MONTH, END_OF_MONTHS = "2000-01-01", "2100-01-01"


def upgrade() -> None:
    """Create the tables of usage, and what lets the application make partitions it does not own."""
    create_usage_event()
    create_usage_event_key()
    create_usage_correction()
    create_usage_rollup()
    create_usage_distinct()
    for table in TABLES:
        policies.protect(table, privileges=privileges(table))
    create_arrival_sequence()
    create_outer_partitions()
    create_partition_function()


def downgrade() -> None:
    """Drop them, last one first."""
    op.execute("DROP FUNCTION ensure_usage_partition(date)")
    op.execute("DROP SEQUENCE usage_arrival_sequence")
    for table in reversed(TABLES):
        op.drop_table(table)


def privileges(table: str) -> tuple[str, ...]:
    """Facts can only be added; roll-ups are a cache that is written over and rebuilt."""
    if table in APPEND_ONLY:
        return ("SELECT", "INSERT")
    return ("SELECT", "INSERT", "UPDATE", "DELETE")


def create_arrival_sequence() -> None:
    """A transaction draws one number and counts its rows up from it.

    CACHE 1: a session that kept numbers in stock would hand out small ones late, and a watermark
    could no longer be trusted.
    """
    op.execute(
        "CREATE SEQUENCE usage_arrival_sequence AS bigint"
        " INCREMENT BY 32768 MINVALUE 32768 START WITH 32768 CACHE 1"
    )
    op.execute(
        f"GRANT USAGE, SELECT ON SEQUENCE usage_arrival_sequence TO {policies.APPLICATION_ROLE}"
    )


def create_outer_partitions() -> None:
    """Two partitions hold what lies before and after the months that get one each."""
    op.execute(
        "CREATE TABLE usage_event_before PARTITION OF usage_event"
        f" FOR VALUES FROM (MINVALUE) TO ('{FIRST_MONTH}Z')"
    )
    op.execute(
        "CREATE TABLE usage_event_after PARTITION OF usage_event"
        f" FOR VALUES FROM ('{END_OF_MONTHS}Z') TO (MAXVALUE)"
    )
    for partition in ("usage_event_before", "usage_event_after"):
        op.execute(f"ALTER TABLE {partition} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {partition} FORCE ROW LEVEL SECURITY")


def create_partition_function() -> None:
    """The owner's function by which the application, which owns nothing, gets a month's partition.

    The table is made alone and then attached, which lets writers of other months go on.
    """
    op.execute(
        f"""
        CREATE FUNCTION ensure_usage_partition(month date) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            starts_at timestamptz := month::timestamp AT TIME ZONE 'UTC';
            ends_at timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
            partition text := 'usage_event_' || to_char(month, 'YYYY_MM');
        BEGIN
            IF month <> date_trunc('month', month)::date
                OR month < date '{FIRST_MONTH}' OR month >= date '{END_OF_MONTHS}' THEN
                RAISE EXCEPTION 'no partition begins at %', month;
            END IF;
            PERFORM pg_advisory_xact_lock(hashtextextended('ensure_usage_partition', 0));
            IF to_regclass('public.' || partition) IS NOT NULL THEN
                RETURN;
            END IF;
            EXECUTE format(
                'CREATE TABLE public.%I (LIKE public.usage_event INCLUDING DEFAULTS,'
                ' CONSTRAINT month CHECK (timestamp >= %L AND timestamp < %L))',
                partition, starts_at, ends_at
            );
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', partition);
            EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', partition);
            EXECUTE format(
                'ALTER TABLE public.usage_event ATTACH PARTITION public.%I'
                ' FOR VALUES FROM (%L) TO (%L)',
                partition, starts_at, ends_at
            );
            EXECUTE format('ALTER TABLE public.%I DROP CONSTRAINT month', partition);
        END
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION ensure_usage_partition(date) FROM PUBLIC")
    op.execute(
        f"GRANT EXECUTE ON FUNCTION ensure_usage_partition(date) TO {policies.APPLICATION_ROLE}"
    )


def create_usage_event() -> None:
    op.create_table(
        "usage_event",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("distinct_value", sa.Text(), nullable=True),
        sa.Column("meta_data", postgresql.JSONB(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("arrival_sequence", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("ingested_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "timestamp", "id", name=op.f("pk_usage_event")),
        postgresql_partition_by="RANGE (timestamp)",
    )
    op.create_index(
        "ix_usage_event_customer",
        "usage_event",
        ["organization_id", "customer_id", "meter_id", "timestamp"],
    )
    op.create_index(
        "ix_usage_event_late",
        "usage_event",
        ["organization_id", "customer_id", "timestamp"],
        postgresql_where=sa.text("late"),
    )


def create_usage_event_key() -> None:
    op.create_table(
        "usage_event_key",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(collation="C"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id", "idempotency_key", name=op.f("pk_usage_event_key")
        ),
    )


def create_usage_correction() -> None:
    op.create_table(
        "usage_correction",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("meter_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=True),
        sa.Column("arrival_sequence", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('void', 'amend')", name=op.f("ck_usage_correction_kind")),
        sa.CheckConstraint(
            "(kind = 'amend') = (quantity IS NOT NULL)", name=op.f("ck_usage_correction_quantity")
        ),
        *references("usage_correction"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_usage_correction_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_usage_correction")),
    )
    op.create_index(
        "ix_usage_correction_customer",
        "usage_correction",
        ["organization_id", "customer_id", "meter_id", "timestamp"],
    )
    op.create_index(
        "uq_usage_correction_event",
        "usage_correction",
        ["organization_id", "event_id", "arrival_sequence"],
        unique=True,
    )


def create_usage_rollup() -> None:
    op.create_table(
        "usage_rollup",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_count", sa.BigInteger(), nullable=False),
        sa.Column("event_count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        sa.Column("minimum", sa.Numeric(), nullable=True),
        sa.Column("maximum", sa.Numeric(), nullable=True),
        sa.Column("last_value", sa.Numeric(), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_sequence", sa.BigInteger(), nullable=True),
        sa.Column("weighted_total", sa.Numeric(), nullable=False),
        sa.CheckConstraint(
            "recorded_count >= event_count AND event_count >= 0",
            name=op.f("ck_usage_rollup_counts"),
        ),
        sa.CheckConstraint(
            "num_nulls(minimum, maximum, last_value, last_at, last_sequence)"
            " = CASE WHEN event_count = 0 THEN 5 ELSE 0 END",
            name=op.f("ck_usage_rollup_empty"),
        ),
        *references("usage_rollup"),
        sa.PrimaryKeyConstraint(
            "organization_id", "customer_id", "meter_id", "hour", name=op.f("pk_usage_rollup")
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_usage_rollup_meter", "usage_rollup", ["organization_id", "meter_id", "hour"]
    )


def create_usage_distinct() -> None:
    op.create_table(
        "usage_distinct",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "customer_id",
            "meter_id",
            "hour",
            "value_hash",
            name=op.f("pk_usage_distinct"),
        ),
    )


def references(table: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    """The meter and the customer of a row, of the same organization."""
    return tuple(
        sa.ForeignKeyConstraint(
            ["organization_id", f"{referred}_id"],
            [f"{referred}.organization_id", f"{referred}.id"],
            name=op.f(f"fk_{table}_organization_id_{referred}_id"),
        )
        for referred in ("meter", "customer")
    )
