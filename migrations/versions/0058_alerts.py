"""Alerts on spend, usage and credit, the times that they were reached, and spending caps."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0058"
down_revision = "0057"

WAKES_RULES: Final = "ON CONFLICT DO NOTHING;\n"
WAKES_ALERTS: Final = """ON CONFLICT DO NOTHING;
            INSERT INTO outbox_message
                (organization_id, id, kind, key, payload, created_at, available_at, attempts)
            SELECT alert.organization_id, gen_random_uuid(), 'alert',
                alert.customer_id || '/' || gen_random_uuid(),
                jsonb_build_object('customer_id', alert.customer_id), min(posted.booked_at),
                min(posted.booked_at), 0
            FROM posted
            JOIN alert ON alert.organization_id = posted.organization_id
                AND alert.customer_id = posted.customer_id AND alert.unit = posted.unit
                AND alert.on = 'available' AND alert.deleted_at IS NULL
            GROUP BY alert.organization_id, alert.customer_id;
"""


def upgrade() -> None:
    create_alert()
    create_alert_crossing()
    op.add_column(
        "customer", sa.Column("has_cap", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    for table in ("alert", "alert_crossing"):
        policies.protect(table, privileges=("SELECT", "INSERT", "UPDATE"))
    change_wake(WAKES_RULES, WAKES_ALERTS)


def downgrade() -> None:
    change_wake(WAKES_ALERTS, WAKES_RULES)
    op.drop_column("customer", "has_cap")
    op.drop_table("alert_crossing")
    op.drop_table("alert")


def change_wake(before: str, after: str) -> None:
    """Whatever moves credit queues a look at alerts on it as well, in the same transaction."""
    connection = op.get_bind()
    stood = connection.scalar(sa.text("SELECT pg_get_functiondef('wake_top_up_rules'::regproc)"))
    assert stood.count(before) == 1, "wake_top_up_rules is the function that was made before"
    connection.exec_driver_sql(stood.replace(before, after).replace("%", "%%"))


def create_alert() -> None:
    op.create_table(
        "alert",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("meter_id", sa.Uuid(), nullable=True),
        sa.Column("on", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("thresholds", sa.ARRAY(sa.Numeric()), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("rearm", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("\"on\" IN ('spend', 'usage', 'available')", name=op.f("ck_alert_on")),
        sa.CheckConstraint("direction IN ('up', 'down')", name=op.f("ck_alert_direction")),
        sa.CheckConstraint("action IN ('alert', 'block')", name=op.f("ck_alert_action")),
        sa.CheckConstraint("(\"on\" = 'usage') = (unit IS NULL)", name=op.f("ck_alert_unit")),
        sa.CheckConstraint("cardinality(thresholds) >= 1", name=op.f("ck_alert_thresholds")),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", f"{table}_id"],
                [f"{table}.organization_id", f"{table}.id"],
                name=op.f(f"fk_alert_organization_id_{table}_id"),
            )
            for table in ("customer", "subscription", "meter")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_alert_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_alert")),
    )
    op.create_index(
        "ix_alert_customer",
        "alert",
        ["organization_id", "customer_id"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def create_alert_crossing() -> None:
    op.create_table(
        "alert_crossing",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("threshold", sa.Numeric(), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recovered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_alert_crossing_number")),
        sa.ForeignKeyConstraint(
            ["organization_id", "alert_id"],
            ["alert.organization_id", "alert.id"],
            name=op.f("fk_alert_crossing_organization_id_alert_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_alert_crossing_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_alert_crossing")),
        sa.UniqueConstraint(
            "organization_id",
            "alert_id",
            "threshold",
            "window",
            "number",
            name="uq_alert_crossing_number",
        ),
    )
