"""Price by property: charges name prices of values, and roll-ups tell their usage apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0051"
down_revision = "0050"

ERASED = "(erased)"
"""What stands for a value that no price names, once its customer is erased."""


def upgrade() -> None:
    add_group_prices()
    create_usage_grouping()
    create_usage_group()
    create_usage_group_rollup()
    policies.protect("usage_grouping", privileges=("SELECT", "INSERT", "UPDATE"))
    policies.protect("usage_group", privileges=("SELECT", "INSERT"))
    policies.protect("usage_group_rollup", privileges=("SELECT", "INSERT", "UPDATE", "DELETE"))
    create_values_function()
    create_kept_function()
    create_event_function(
        meta_data="meta_data = public.usage_properties_kept(event.organization_id,"
        " event.meter_id, event.meta_data)"
    )


def downgrade() -> None:
    """Charges that price by property are priced by their default price afterwards."""
    create_event_function(meta_data="meta_data = NULL")
    op.execute("DROP FUNCTION usage_properties_kept(uuid, uuid, jsonb)")
    op.execute("DROP FUNCTION usage_group_values(jsonb, text[])")
    for table in ("usage_group_rollup", "usage_group", "usage_grouping"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_charge_group_by"), "charge")
    op.drop_column("charge", "group_prices")
    op.drop_column("charge", "group_by")


def add_group_prices() -> None:
    op.add_column("charge", sa.Column("group_by", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column(
        "charge",
        sa.Column(
            "group_prices",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
        ),
    )
    op.create_check_constraint(
        op.f("ck_charge_group_by"),
        "charge",
        "(group_by IS NULL) = (group_prices IS NULL)"
        " AND (group_by IS NULL OR meter_id IS NOT NULL)",
    )


def create_usage_grouping() -> None:
    op.create_table(
        "usage_grouping",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.Uuid(), nullable=False),
        sa.Column("properties", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("rolled_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "cardinality(properties) BETWEEN 1 AND 2", name=op.f("ck_usage_grouping_properties")
        ),
        organization("usage_grouping"),
        refer("usage_grouping", "meter_id", "meter"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_usage_grouping")),
        sa.UniqueConstraint(
            "organization_id", "meter_id", "properties", name="uq_usage_grouping_properties"
        ),
    )


def create_usage_group() -> None:
    op.create_table(
        "usage_group",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("grouping_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("property_values", sa.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("place > 1", name=op.f("ck_usage_group_place")),
        sa.CheckConstraint(
            "array_position(property_values, NULL) IS NULL",
            name=op.f("ck_usage_group_property_values"),
        ),
        organization("usage_group"),
        refer("usage_group", "grouping_id", "usage_grouping"),
        sa.PrimaryKeyConstraint(
            "organization_id", "grouping_id", "place", name=op.f("pk_usage_group")
        ),
        sa.UniqueConstraint(
            "organization_id", "grouping_id", "property_values", name="uq_usage_group_values"
        ),
    )


def create_usage_group_rollup() -> None:
    op.create_table(
        "usage_group_rollup",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.Uuid(), nullable=False),
        sa.Column("grouping_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("event_count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        sa.CheckConstraint("event_count > 0", name=op.f("ck_usage_group_rollup_event_count")),
        sa.CheckConstraint("place >= 0", name=op.f("ck_usage_group_rollup_place")),
        refer("usage_group_rollup", "grouping_id", "usage_grouping"),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "customer_id",
            "meter_id",
            "grouping_id",
            "hour",
            "place",
            name=op.f("pk_usage_group_rollup"),
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_usage_group_rollup_others",
        "usage_group_rollup",
        ["organization_id", "grouping_id", "hour"],
        unique=False,
        postgresql_where=sa.text("place = 1"),
    )


def create_values_function() -> None:
    """What an event says of properties: texts, numbers without superfluous zeros, yes or no.

    NULL stands for a property that is absent, null, empty, a list or an object. A property of that
    whole name comes first, then the path.
    """
    op.execute(
        """
        CREATE FUNCTION usage_group_values(meta_data jsonb, properties text[]) RETURNS text[]
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
        AS $$
        DECLARE
            said text[] := '{}';
            property text;
            held jsonb;
        BEGIN
            FOREACH property IN ARRAY properties LOOP
                held := CASE
                    WHEN jsonb_exists(meta_data, property) OR strpos(property, '.') = 0
                    THEN meta_data -> property
                    ELSE meta_data #> string_to_array(property, '.')
                END;
                said := array_append(said, CASE jsonb_typeof(held)
                    WHEN 'string' THEN nullif(held #>> '{}', '')
                    WHEN 'number' THEN trim_scale((held #>> '{}')::numeric)::text
                    WHEN 'boolean' THEN held #>> '{}'
                END);
            END LOOP;
            RETURN said;
        END $$
        """
    )


def create_kept_function() -> None:
    """What an erased customer's event keeps: the values that prices name, and that others were.

    Without it a bill could not be computed again. A value that no price names may be anybody's, so
    that it is only known to have been another one.
    """
    op.execute(
        f"""
        CREATE FUNCTION usage_properties_kept(of_organization uuid, of_meter uuid, meta_data jsonb)
        RETURNS jsonb
        LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
        AS $$
            SELECT jsonb_object_agg(said.property, CASE WHEN EXISTS (
                    SELECT FROM public.usage_grouping AS naming
                    JOIN public.usage_group AS named
                        ON named.organization_id = naming.organization_id
                        AND named.grouping_id = naming.id
                    WHERE naming.organization_id = of_organization
                        AND naming.meter_id = of_meter
                        AND named.property_values[array_position(naming.properties, said.property)]
                            = said.value
                ) THEN said.value ELSE '{ERASED}' END)
            FROM (
                SELECT DISTINCT one.property, one.value
                FROM public.usage_grouping AS telling
                CROSS JOIN LATERAL unnest(
                    telling.properties,
                    public.usage_group_values(meta_data, telling.properties)
                ) AS one(property, value)
                WHERE telling.organization_id = of_organization
                    AND telling.meter_id = of_meter AND one.value IS NOT NULL
            ) AS said
        $$
        """  # noqa: S608  (put together out of constants)
    )


def create_event_function(*, meta_data: str) -> None:
    """Some events of a customer, after a place in their order, lose what they were sent with."""
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION erase_usage_events(
            of_organization uuid, of_customer uuid,
            after_meter uuid, after_timestamp timestamptz, after_event uuid, at_most integer
        ) RETURNS TABLE (meter_id uuid, "timestamp" timestamptz, id uuid)
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ BEGIN
            IF NOT EXISTS (
                SELECT FROM public.customer_erasure AS erasure
                WHERE erasure.organization_id = of_organization
                    AND erasure.organization_id = {policies.VISIBLE_ORGANIZATIONS}
                    AND erasure.customer_id = of_customer AND erasure.checked_at IS NULL
            ) THEN
                RAISE EXCEPTION 'nobody asked to erase customer %', of_customer;
            END IF;
            RETURN QUERY
            WITH batch AS MATERIALIZED (
                SELECT event.meter_id, event.timestamp, event.id, event.idempotency_key
                FROM public.usage_event AS event
                WHERE event.organization_id = of_organization AND event.customer_id = of_customer
                    AND (event.meter_id, event.timestamp, event.id)
                        > (after_meter, after_timestamp, after_event)
                ORDER BY event.meter_id, event.timestamp, event.id
                LIMIT at_most
            ), forgotten AS (
                -- An event without a key goes by its id.
                DELETE FROM public.usage_event_key AS known USING batch
                WHERE known.organization_id = of_organization AND known.event_id = batch.id
                    AND known.idempotency_key = coalesce(batch.idempotency_key, batch.id::text)
            ), emptied AS (
                UPDATE public.usage_event AS event SET {meta_data}, idempotency_key = NULL
                FROM batch
                WHERE event.organization_id = of_organization
                    AND event.timestamp = batch.timestamp AND event.id = batch.id
                    AND (event.meta_data IS NOT NULL OR event.idempotency_key IS NOT NULL)
            )
            SELECT batch.meter_id, batch.timestamp, batch.id FROM batch
            ORDER BY batch.meter_id DESC, batch.timestamp DESC, batch.id DESC LIMIT 1;
        END $$
        """  # noqa: S608  (put together out of constants)
    )


def organization(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"], ["organization.id"], name=op.f(f"fk_{table}_organization_id")
    )


def refer(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{other}.organization_id", f"{other}.id"],
        name=op.f(f"fk_{table}_organization_id_{column}"),
    )
