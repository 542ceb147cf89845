"""Webhook endpoints, the events that they are told, and each telling."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0023"
down_revision = "0022"

PENDING = "status = 'pending'"


def upgrade() -> None:
    create_endpoints()
    create_events()
    create_deliveries()
    # Whoever sends finds what waits in all organizations by index, and names them before it writes.
    policies.allow_lookup(
        "webhook_delivery", setting="delivery_status", condition="status = {value}"
    )
    policies.allow_lookup_locks(
        "webhook_delivery", setting="delivery_status", condition="status = {value}"
    )


def downgrade() -> None:
    op.drop_table("webhook_delivery")
    op.drop_table("webhook_event")
    op.drop_table("webhook_endpoint")


def create_endpoints() -> None:
    op.create_table(
        "webhook_endpoint",
        *keys(),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("sealed_secret", sa.Text(), nullable=False),
        sa.Column("former_secret", sa.Text(), nullable=True),
        instant("former_until", nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        instant("failing_since", nullable=True),
        instant("disabled_at", nullable=True),
        instant("created_at"),
        instant("deleted_at", nullable=True),
        sa.CheckConstraint("cardinality(events) > 0", name=op.f("ck_webhook_endpoint_events")),
        sa.CheckConstraint(
            "(former_secret IS NULL) = (former_until IS NULL)",
            name=op.f("ck_webhook_endpoint_former_secret"),
        ),
        *constraints("webhook_endpoint"),
    )
    policies.protect("webhook_endpoint", privileges=("SELECT", "INSERT", "UPDATE"))


def create_events() -> None:
    op.create_table(
        "webhook_event",
        *keys(),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        instant("created_at"),
        sa.UniqueConstraint("organization_id", "key", name="uq_webhook_event_key"),
        *constraints("webhook_event"),
    )
    policies.protect("webhook_event", privileges=("SELECT", "INSERT"))


def create_deliveries() -> None:
    op.create_table(
        "webhook_delivery",
        *keys(),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        instant("next_attempt_at", nullable=True),
        sa.Column("response_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("replay_of", sa.Uuid(), nullable=True),
        instant("created_at"),
        instant("completed_at", nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed')",
            name=op.f("ck_webhook_delivery_status"),
        ),
        sa.CheckConstraint(
            "(status = 'pending') = (next_attempt_at IS NOT NULL)",
            name=op.f("ck_webhook_delivery_due"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_webhook_delivery_attempts")),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", f"{noun}_id"],
                [f"webhook_{noun}.organization_id", f"webhook_{noun}.id"],
                name=op.f(f"fk_webhook_delivery_organization_id_{noun}_id"),
            )
            for noun in ("endpoint", "event")
        ),
        *constraints("webhook_delivery"),
    )
    op.create_index(
        "uq_webhook_delivery_first",
        "webhook_delivery",
        ["organization_id", "event_id", "endpoint_id"],
        unique=True,
        postgresql_where=sa.text("replay_of IS NULL"),
    )
    op.create_index(
        "ix_webhook_delivery_due",
        "webhook_delivery",
        ["endpoint_id", "next_attempt_at", "id"],
        postgresql_where=sa.text(PENDING),
    )
    op.create_index(
        "ix_webhook_delivery_next",
        "webhook_delivery",
        ["next_attempt_at"],
        postgresql_where=sa.text(PENDING),
    )
    op.create_index(
        "ix_webhook_delivery_listed", "webhook_delivery", ["organization_id", "created_at", "id"]
    )
    policies.protect("webhook_delivery", privileges=("SELECT", "INSERT", "UPDATE"))


def keys() -> tuple[sa.Column[object], ...]:
    """The columns that every table of a tenant begins with."""
    return (
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
    )


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of an aware instant."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def constraints(table: str) -> tuple[sa.Constraint, ...]:
    """What every table of a tenant has: its key, and its organization."""
    return (
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f(f"fk_{table}_organization_id")
        ),
    )
