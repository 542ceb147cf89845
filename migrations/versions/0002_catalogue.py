"""Customers, meters, features, plans with their versions, and tax rates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0002"
down_revision = "0001"

TABLES = (
    "meter",
    "feature",
    "customer",
    "plan",
    "plan_version",
    "charge",
    "plan_feature",
    "tax_rate",
)
APPEND_ONLY = ("plan_version",)
DELETABLE = ("plan_feature",)


def upgrade() -> None:
    """Create the catalogue's tables, each visible to its organization alone."""
    create_meter()
    create_feature()
    create_customer()
    create_plan()
    create_plan_version()
    create_charge()
    create_plan_feature()
    create_tax_rate()
    for table in TABLES:
        policies.protect(table, privileges=privileges(table))


def downgrade() -> None:
    """Drop them, last one first."""
    for table in reversed(TABLES):
        op.drop_table(table)


def privileges(table: str) -> tuple[str, ...]:
    """What the application may do with a table: rows are hidden rather than deleted."""
    if table in APPEND_ONLY:
        return ("SELECT", "INSERT")
    if table in DELETABLE:
        return ("SELECT", "INSERT", "UPDATE", "DELETE")
    return ("SELECT", "INSERT", "UPDATE")


def create_meter() -> None:
    op.create_table(
        "meter",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("meter_name", sa.Text(), nullable=False),
        sa.Column("meter_token", sa.Uuid(), nullable=False),
        sa.Column("property_name", sa.Text(), nullable=True),
        sa.Column("aggregation_type", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("filters", postgresql.JSONB(), nullable=False),
        sa.Column("usage_pricing_rules", postgresql.JSONB(), nullable=True),
        sa.Column("carry_forward", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'INACTIVE') = (deleted_at IS NOT NULL)",
            name=op.f("ck_meter_retired"),
        ),
        sa.CheckConstraint(
            "aggregation_type IN ('SUM', 'MAX', 'UNIQUE_COUNT', 'LAST', 'COUNT', 'AVG', 'MIN',"
            " 'WEIGHTED_SUM')",
            name=op.f("ck_meter_aggregation_type"),
        ),
        sa.CheckConstraint("jsonb_typeof(filters) = 'array'", name=op.f("ck_meter_filters")),
        sa.CheckConstraint("status IN ('ACTIVE', 'INACTIVE')", name=op.f("ck_meter_status")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_meter_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_meter")),
        sa.UniqueConstraint("organization_id", "meter_token", name="uq_meter_token"),
    )
    op.create_index("ix_meter_created", "meter", ["organization_id", "created_at", "id"])
    op.create_index(
        "uq_meter_name",
        "meter",
        ["organization_id", "meter_name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def create_feature() -> None:
    op.create_table(
        "feature",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lookup_key", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("meter_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(type = 'meter') = (meter_id IS NOT NULL)", name=op.f("ck_feature_meter")
        ),
        sa.CheckConstraint("type IN ('meter', 'switch', 'custom')", name=op.f("ck_feature_type")),
        sa.ForeignKeyConstraint(
            ["organization_id", "meter_id"],
            ["meter.organization_id", "meter.id"],
            name=op.f("fk_feature_organization_id_meter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_feature_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_feature")),
    )
    op.create_index("ix_feature_created", "feature", ["organization_id", "created_at", "id"])
    op.create_index("ix_feature_meter", "feature", ["organization_id", "meter_id"])
    op.create_index(
        "uq_feature_lookup_key",
        "feature",
        ["organization_id", "lookup_key"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def create_customer() -> None:
    op.create_table(
        "customer",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("billing_address_line1", sa.Text(), nullable=True),
        sa.Column("billing_address_city", sa.Text(), nullable=True),
        sa.Column("billing_address_state", sa.Text(), nullable=True),
        sa.Column("billing_address_postal_code", sa.Text(), nullable=True),
        sa.Column("billing_address_country", sa.Text(), nullable=True),
        sa.Column("test_clock_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "billing_address_country ~ '^[A-Z]{2}$'",
            name=op.f("ck_customer_billing_address_country"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "test_clock_id"],
            ["test_clock.organization_id", "test_clock.id"],
            name=op.f("fk_customer_organization_id_test_clock_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_customer_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_customer")),
    )
    op.create_index("ix_customer_created", "customer", ["organization_id", "created_at", "id"])
    op.create_index("ix_customer_test_clock", "customer", ["organization_id", "test_clock_id"])
    op.create_index(
        "uq_customer_external_id",
        "customer",
        ["organization_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def create_plan() -> None:
    op.create_table(
        "plan",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lookup_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("billing_interval", sa.Text(), nullable=False),
        sa.Column("billing_interval_count", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("trial_days", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "billing_interval IN ('day', 'week', 'month', 'quarter', 'year')",
            name=op.f("ck_plan_billing_interval"),
        ),
        sa.CheckConstraint("type IN ('FIXED', 'USAGE', 'HYBRID')", name=op.f("ck_plan_type")),
        sa.CheckConstraint(
            "billing_interval_count > 0", name=op.f("ck_plan_billing_interval_count")
        ),
        sa.CheckConstraint("trial_days >= 0", name=op.f("ck_plan_trial_days")),
        sa.CheckConstraint("version > 0", name=op.f("ck_plan_version")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_plan_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_plan")),
    )
    op.create_index("ix_plan_created", "plan", ["organization_id", "created_at", "id"])
    op.create_index(
        "uq_plan_lookup_id",
        "plan",
        ["organization_id", "lookup_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def create_plan_version() -> None:
    op.create_table(
        "plan_version",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_plan_version_version")),
        sa.ForeignKeyConstraint(
            ["organization_id", "plan_id"],
            ["plan.organization_id", "plan.id"],
            name=op.f("fk_plan_version_organization_id_plan_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_plan_version_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "plan_id", "version", name=op.f("pk_plan_version")
        ),
    )


def create_charge() -> None:
    op.create_table(
        "charge",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.Numeric(), nullable=True),
        sa.Column("meter_id", sa.Uuid(), nullable=True),
        sa.Column("pricing", postgresql.JSONB(), nullable=True),
        sa.Column("included_units", sa.Numeric(), nullable=True),
        sa.Column("minimum", sa.Numeric(), nullable=True),
        sa.Column("maximum", sa.Numeric(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(type = 'USAGE') = (meter_id IS NOT NULL)", name=op.f("ck_charge_meter")
        ),
        sa.CheckConstraint("status IN ('ACTIVE', 'INACTIVE')", name=op.f("ck_charge_status")),
        sa.CheckConstraint(
            "type = 'USAGE' OR unit_price IS NOT NULL",
            name=op.f("ck_charge_unit_price"),
        ),
        sa.CheckConstraint("type IN ('FIXED', 'USAGE')", name=op.f("ck_charge_type")),
        sa.CheckConstraint("position > 0", name=op.f("ck_charge_position")),
        sa.ForeignKeyConstraint(
            ["organization_id", "meter_id"],
            ["meter.organization_id", "meter.id"],
            name=op.f("fk_charge_organization_id_meter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "plan_id"],
            ["plan.organization_id", "plan.id"],
            name=op.f("fk_charge_organization_id_plan_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_charge_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_charge")),
        sa.UniqueConstraint("organization_id", "plan_id", "position", name="uq_charge_position"),
    )
    op.create_index(
        "ix_charge_meter",
        "charge",
        ["organization_id", "meter_id"],
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )


def create_plan_feature() -> None:
    op.create_table(
        "plan_feature",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("feature_id", sa.Uuid(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("usage_limit", sa.Numeric(), nullable=True),
        sa.Column("usage_reset_period", sa.Text(), nullable=True),
        sa.Column("is_soft_limit", sa.Boolean(), nullable=False),
        sa.Column("reject_over_limit", sa.Boolean(), nullable=False),
        sa.Column("over_limit", sa.Text(), nullable=False),
        sa.Column("static_value", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "over_limit IN ('bill', 'waive')", name=op.f("ck_plan_feature_over_limit")
        ),
        sa.CheckConstraint(
            "usage_reset_period IN ('day', 'week', 'month', 'quarter', 'year')",
            name=op.f("ck_plan_feature_usage_reset_period"),
        ),
        sa.CheckConstraint("usage_limit >= 0", name=op.f("ck_plan_feature_usage_limit")),
        sa.ForeignKeyConstraint(
            ["organization_id", "feature_id"],
            ["feature.organization_id", "feature.id"],
            name=op.f("fk_plan_feature_organization_id_feature_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "plan_id"],
            ["plan.organization_id", "plan.id"],
            name=op.f("fk_plan_feature_organization_id_plan_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_plan_feature_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_plan_feature")),
        sa.UniqueConstraint("organization_id", "plan_id", "feature_id", name="uq_plan_feature"),
    )
    op.create_index("ix_plan_feature_feature", "plan_feature", ["organization_id", "feature_id"])


def create_tax_rate() -> None:
    op.create_table(
        "tax_rate",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("percentage", sa.Numeric(), nullable=False),
        sa.Column("inclusive", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name=op.f("ck_tax_rate_country")),
        sa.CheckConstraint("percentage BETWEEN 0 AND 1000", name=op.f("ck_tax_rate_percentage")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_tax_rate_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_tax_rate")),
    )
    op.create_index(
        "ix_tax_rate_in_force",
        "tax_rate",
        ["organization_id", "country"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
