"""Plans have commitments, and bills true-ups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0063"
down_revision = "0062"

FORMER_TYPES = (
    "usage",
    "fixed",
    "proration",
    "late_usage",
    "invoiced_before",
    "credit",
    "adjustment",
)


def upgrade() -> None:
    create_commitment()
    policies.protect("commitment", privileges=("SELECT", "INSERT", "UPDATE"))
    op.add_column(
        "invoice",
        sa.Column("has_true_ups", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    limit_types((*FORMER_TYPES, "true_up"))


def downgrade() -> None:
    """Refused where a bill has a true-up: it would be a line of no kind."""
    limit_types(FORMER_TYPES)
    op.drop_column("invoice", "has_true_ups")
    op.drop_table("commitment")


def limit_types(types: tuple[str, ...]) -> None:
    """Lines of invoices are of these kinds."""
    listed = ", ".join(f"'{one}'" for one in types)
    op.drop_constraint(op.f("ck_invoice_line_type"), "invoice_line")
    op.create_check_constraint(op.f("ck_invoice_line_type"), "invoice_line", f"type IN ({listed})")


def create_commitment() -> None:
    op.create_table(
        "commitment",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("charge_ids", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("term_periods", sa.Integer(), nullable=False),
        sa.Column("overage_factor", sa.Numeric(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_commitment_amount")),
        sa.CheckConstraint(
            "term_periods BETWEEN 1 AND 120", name=op.f("ck_commitment_term_periods")
        ),
        sa.CheckConstraint("overage_factor >= 0", name=op.f("ck_commitment_overage_factor")),
        sa.CheckConstraint("ended_at >= created_at", name=op.f("ck_commitment_ended_at")),
        sa.ForeignKeyConstraint(
            ["organization_id", "plan_id"],
            ["plan.organization_id", "plan.id"],
            name=op.f("fk_commitment_organization_id_plan_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_commitment_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_commitment")),
    )
    op.create_index(
        "ix_commitment_plan", "commitment", ["organization_id", "plan_id", "created_at", "id"]
    )
