"""What a period is billed by is known when it opens; edits of plans say which periods they reach."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0012"
down_revision = "0011"

FORCED = (
    "organization",
    "meter",
    "plan_version",
    "subscription_period",
    "billing_run",
    "limited_meter",
)
"""Tables whose rows the migration reads or writes, also where its role is no superuser."""

CHOICES = "('next_period', 'running_period')"


def upgrade() -> None:
    """Add the columns and fill them from what is stored, for which periods are read once."""
    op.add_column("organization", filled("plan_edits", "next_period"))
    # What was edited so far reached every period that was not billed yet.
    op.add_column("plan_version", filled("effective", "running_period"))
    for table, column in (("organization", "plan_edits"), ("plan_version", "effective")):
        op.alter_column(table, column, server_default=None)
        op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN {CHOICES}")
    create_limited_meter()
    for table in FORCED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    fill_limited_meters()
    fill_versions_of_periods()
    for table in FORCED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.alter_column("subscription_period", "plan_version", nullable=False)
    op.create_check_constraint(
        op.f("ck_subscription_period_plan_version"), "subscription_period", "plan_version > 0"
    )
    op.drop_index("ix_subscription_pinned", "subscription")
    op.create_index(
        "ix_subscription_next_plan",
        "subscription",
        ["organization_id", "next_plan_id"],
        postgresql_where=sa.text(
            "deleted_at IS NULL AND status <> 'CANCELED' AND next_plan_id IS NOT NULL"
        ),
    )


def downgrade() -> None:
    """Take them away. Periods keep the versions that they were given."""
    op.drop_index("ix_subscription_next_plan", "subscription")
    op.create_index(
        "ix_subscription_pinned",
        "subscription",
        ["organization_id"],
        postgresql_where=sa.text(
            "deleted_at IS NULL AND status <> 'CANCELED' AND version_policy = 'pinned'"
        ),
    )
    op.drop_constraint(op.f("ck_subscription_period_plan_version"), "subscription_period")
    op.alter_column("subscription_period", "plan_version", nullable=True)
    op.drop_table("limited_meter")
    for table, column in (("plan_version", "effective"), ("organization", "plan_edits")):
        op.drop_constraint(op.f(f"ck_{table}_{column}"), table)
        op.drop_column(table, column)


def filled(name: str, value: str) -> sa.Column[str]:
    """A new column that every row has this value in."""
    return sa.Column(name, sa.Text(), nullable=False, server_default=value)


def create_limited_meter() -> None:
    op.create_table(
        "limited_meter",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meter_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "meter_id"],
            ["meter.organization_id", "meter.id"],
            name=op.f("fk_limited_meter_organization_id_meter_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_limited_meter_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "meter_id", name=op.f("pk_limited_meter")),
    )
    policies.protect("limited_meter", privileges=("SELECT", "INSERT"))


def fill_limited_meters() -> None:
    """Every meter that a version of a plan limits is known as such."""
    op.execute(
        """
        INSERT INTO limited_meter (organization_id, meter_id)
        SELECT DISTINCT version.organization_id, (feature ->> 'meter_id')::uuid
        FROM plan_version AS version
        CROSS JOIN LATERAL jsonb_array_elements(version.terms -> 'features') AS feature
        WHERE feature ->> 'usage_limit' IS NOT NULL AND feature ->> 'meter_id' IS NOT NULL
        """
    )


def fill_versions_of_periods() -> None:
    """A period has the version that its usage was frozen with, or else the newest of its plan."""
    op.execute(
        """
        UPDATE subscription_period AS period SET plan_version = coalesce(
            (
                SELECT (run.content ->> 'plan_version')::integer FROM billing_run AS run
                WHERE run.organization_id = period.organization_id
                    AND run.subscription_id = period.subscription_id
                    AND run.period_index = period.index AND run.step = 'usage'
                ORDER BY run.revision DESC LIMIT 1
            ),
            (
                SELECT max(version.version) FROM plan_version AS version
                WHERE version.organization_id = period.organization_id
                    AND version.plan_id = period.plan_id
            )
        )
        WHERE plan_version IS NULL
        """
    )
