"""Customers can be erased: what was asked for, and how the events of one lose what names a person.

Facts stay append-only for the application: two functions of their owner's change events, of
customers alone whose erasure was asked for, and only what no bill and no proof depends on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.add_column("customer", instant("erased_at"))
    op.create_check_constraint(
        op.f("ck_customer_erased_at"), "customer", "erased_at IS NULL OR deleted_at IS NOT NULL"
    )
    create_customer_erasure()
    create_event_function()
    create_distinct_function()
    create_parties_function()
    op.drop_constraint(op.f("ck_gateway_task_kind"), "gateway_task")
    op.create_check_constraint(
        op.f("ck_gateway_task_kind"),
        "gateway_task",
        "kind IN ('open_link', 'renew_link', 'close_link', 'refund', 'event', 'forget_method')",
    )
    policies.grant("gateway_event", ("DELETE",))
    policies.grant("gateway_task", ("DELETE",))


def downgrade() -> None:
    for table in ("gateway_task", "gateway_event"):
        op.execute(f"REVOKE DELETE ON {table} FROM {policies.APPLICATION_ROLE}")
    op.execute("DELETE FROM gateway_task WHERE kind = 'forget_method'")
    op.drop_constraint(op.f("ck_gateway_task_kind"), "gateway_task")
    op.create_check_constraint(
        op.f("ck_gateway_task_kind"),
        "gateway_task",
        "kind IN ('open_link', 'renew_link', 'close_link', 'refund', 'event')",
    )
    op.execute("DROP FUNCTION erase_usage_events(uuid, uuid, uuid, timestamptz, uuid, integer)")
    op.execute("DROP FUNCTION erase_distinct_values(uuid, uuid, bytea)")
    op.execute("DROP FUNCTION erase_buyers(uuid, uuid, timestamptz, jsonb)")
    op.drop_table("customer_erasure")
    op.drop_constraint(op.f("ck_customer_erased_at"), "customer")
    op.drop_column("customer", "erased_at")


def create_customer_erasure() -> None:
    op.create_table(
        "customer_erasure",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        instant("requested_at", nullable=False),
        sa.Column("names", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("after_meter_id", sa.Uuid(), nullable=True),
        instant("after_timestamp"),
        sa.Column("after_event_id", sa.Uuid(), nullable=True),
        instant("completed_at"),
        instant("checked_at"),
        instant("documents_kept_until"),
        instant("documents_erased_at"),
        sa.CheckConstraint(
            "num_nulls(after_meter_id, after_timestamp, after_event_id) IN (0, 3)",
            name=op.f("ck_customer_erasure_after"),
        ),
        sa.CheckConstraint(
            "completed_at IS NULL OR names IS NULL", name=op.f("ck_customer_erasure_names")
        ),
        sa.CheckConstraint(
            "completed_at <= checked_at", name=op.f("ck_customer_erasure_checked_at")
        ),
        sa.CheckConstraint(
            "checked_at IS NULL OR completed_at IS NOT NULL",
            name=op.f("ck_customer_erasure_completed_at"),
        ),
        sa.CheckConstraint(
            "documents_erased_at IS NULL OR documents_kept_until <= documents_erased_at",
            name=op.f("ck_customer_erasure_documents_erased_at"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "customer_id", name=op.f("pk_customer_erasure")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_customer_erasure_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customer.organization_id", "customer.id"],
            name=op.f("fk_customer_erasure_organization_id_customer_id"),
        ),
    )
    # What is left to be done is found without reading what was done.
    op.create_index(
        "ix_customer_erasure_unfinished",
        "customer_erasure",
        ["organization_id", "requested_at"],
        postgresql_where=sa.text("checked_at IS NULL"),
    )
    op.create_index(
        "ix_customer_erasure_documents",
        "customer_erasure",
        ["organization_id", "documents_kept_until"],
        postgresql_where=sa.text("documents_erased_at IS NULL"),
    )
    policies.protect("customer_erasure", privileges=("SELECT", "INSERT", "UPDATE"))


def create_event_function() -> None:
    """Some events of a customer, after a place in their order, lose what they were sent with."""
    op.execute(
        f"""
        CREATE FUNCTION erase_usage_events(
            of_organization uuid, of_customer uuid,
            after_meter uuid, after_timestamp timestamptz, after_event uuid, at_most integer
        ) RETURNS TABLE (meter_id uuid, "timestamp" timestamptz, id uuid)
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ BEGIN
            {_require_erasure()}
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
                UPDATE public.usage_event AS event SET meta_data = NULL, idempotency_key = NULL
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
    allow("erase_usage_events(uuid, uuid, uuid, timestamptz, uuid, integer)")


def create_distinct_function() -> None:
    """What unique values are counted by becomes what nobody can lead back, and counts the same.

    A roll-up has the SHA-256 of a value. The new value is made of that and a salt which nobody
    keeps, so that events and roll-ups go on saying the same of it.
    """
    op.execute(
        f"""
        CREATE FUNCTION erase_distinct_values(of_organization uuid, of_customer uuid, salt bytea)
        RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ BEGIN
            {_require_erasure()}
            UPDATE public.usage_event AS event
            SET distinct_value = encode(
                sha256(salt || sha256(convert_to(event.distinct_value, 'UTF8'))), 'hex')
            WHERE event.organization_id = of_organization AND event.customer_id = of_customer
                AND event.distinct_value IS NOT NULL;
            UPDATE public.usage_distinct AS counted
            SET value_hash = sha256(convert_to(
                encode(sha256(salt || counted.value_hash), 'hex'), 'UTF8'))
            WHERE counted.organization_id = of_organization AND counted.customer_id = of_customer;
        END $$
        """  # noqa: S608  (put together out of constants)
    )
    allow("erase_distinct_values(uuid, uuid, bytea)")


def create_parties_function() -> None:
    """Documents of an erased customer that the law wants no longer name somebody else."""
    op.execute(
        f"""
        CREATE FUNCTION erase_buyers(
            of_organization uuid, of_customer uuid, until timestamptz, nobody jsonb
        ) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ BEGIN
            {_require_erasure("AND erasure.documents_kept_until <= until")}
            UPDATE public.invoice_parties AS named
            SET parties = named.parties || jsonb_build_object('buyer', nobody)
                || '{{"buyer_reference": null}}'
            FROM public.invoice AS invoice
            WHERE invoice.organization_id = of_organization AND invoice.customer_id = of_customer
                AND named.organization_id = of_organization AND named.invoice_id = invoice.id;
            UPDATE public.payment SET reference = NULL, method = NULL
            WHERE organization_id = of_organization AND customer_id = of_customer;
        END $$
        """  # noqa: S608  (put together out of constants)
    )
    allow("erase_buyers(uuid, uuid, timestamptz, jsonb)")


def allow(function: str) -> None:
    """The application may call a function of the owner's, and nobody else may."""
    op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {policies.APPLICATION_ROLE}")


def _require_erasure(condition: str = "AND erasure.checked_at IS NULL") -> str:
    return f"""IF NOT EXISTS (
                SELECT FROM public.customer_erasure AS erasure
                WHERE erasure.organization_id = of_organization
                    AND erasure.organization_id = {policies.VISIBLE_ORGANIZATIONS}
                    AND erasure.customer_id = of_customer {condition}
            ) THEN
                RAISE EXCEPTION 'nobody asked to erase customer %', of_customer;
            END IF;"""


def instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    """A column of an aware instant."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
