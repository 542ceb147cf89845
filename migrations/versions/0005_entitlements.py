"""Reset windows of limited features, and the thresholds that were told of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create windows and thresholds, and find pinned subscriptions fast."""
    create_entitlement_window()
    create_entitlement_threshold()
    # A lock on a row takes the right to update it.
    policies.protect("entitlement_window", privileges=("SELECT", "INSERT", "UPDATE"))
    policies.protect("entitlement_threshold", privileges=("SELECT", "INSERT"))
    op.create_index(
        "ix_subscription_pinned",
        "subscription",
        ["organization_id"],
        unique=False,
        postgresql_where=sa.text(
            "deleted_at IS NULL AND status <> 'CANCELED' AND version_policy = 'pinned'"
        ),
    )


def downgrade() -> None:
    """Drop them, last one first."""
    op.drop_index("ix_subscription_pinned", "subscription")
    op.drop_table("entitlement_threshold")
    op.drop_table("entitlement_window")


def create_entitlement_window() -> None:
    op.create_table(
        "entitlement_window",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("feature_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_entitlement_window_half_open")),
        sa.ForeignKeyConstraint(
            ["organization_id", "feature_id"],
            ["feature.organization_id", "feature.id"],
            name=op.f("fk_entitlement_window_organization_id_feature_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_entitlement_window_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "subscription_id",
            "feature_id",
            "starts_at",
            name=op.f("pk_entitlement_window"),
        ),
    )


def create_entitlement_threshold() -> None:
    op.create_table(
        "entitlement_threshold",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("feature_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("threshold > 0", name=op.f("ck_entitlement_threshold_threshold")),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id", "feature_id", "starts_at"],
            [
                "entitlement_window.organization_id",
                "entitlement_window.subscription_id",
                "entitlement_window.feature_id",
                "entitlement_window.starts_at",
            ],
            name="fk_entitlement_threshold_window",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_entitlement_threshold_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "subscription_id",
            "feature_id",
            "starts_at",
            "threshold",
            name=op.f("pk_entitlement_threshold"),
        ),
    )
