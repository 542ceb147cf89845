"""Charges that are attached to one subscription, and the quantities that they have had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0060"
down_revision = "0059"


def upgrade() -> None:
    create_add_on()
    create_quantity()
    policies.protect("subscription_add_on", privileges=("SELECT", "INSERT"))
    # A quantity that is replaced at its own instant has held for no time.
    policies.protect("add_on_quantity", privileges=("SELECT", "INSERT", "UPDATE"))


def downgrade() -> None:
    op.drop_table("add_on_quantity")
    op.drop_table("subscription_add_on")


def create_add_on() -> None:
    op.create_table(
        "subscription_add_on",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("unit_price", sa.Numeric(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_subscription_add_on_unit_price")),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscription.organization_id", "subscription.id"],
            name=op.f("fk_subscription_add_on_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_subscription_add_on_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_subscription_add_on")),
    )
    op.create_index(
        "ix_subscription_add_on_created",
        "subscription_add_on",
        ["organization_id", "subscription_id", "created_at", "id"],
    )


def create_quantity() -> None:
    op.create_table(
        "add_on_quantity",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("add_on_id", sa.Uuid(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_add_on_quantity_quantity")),
        sa.ForeignKeyConstraint(
            ["organization_id", "add_on_id"],
            ["subscription_add_on.organization_id", "subscription_add_on.id"],
            name=op.f("fk_add_on_quantity_organization_id_add_on_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_add_on_quantity_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "add_on_id", "effective_at", name=op.f("pk_add_on_quantity")
        ),
    )
