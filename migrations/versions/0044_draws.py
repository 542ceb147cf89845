"""Bills draw on prepaid credit: what is drawn of each line, and what that was decided from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0044"
down_revision = "0043"

COLUMNS = ("credits_before_tax", "credits_after_tax")
FORMER_AMOUNTS = (
    "amount_due >= 0 AND amount_paid >= 0 AND carried_credit >= 0 AND granted_credit >= 0"
)
AMOUNTS = f"{FORMER_AMOUNTS} AND credits_before_tax >= 0 AND credits_after_tax >= 0"
NOTED = (
    "amount_credited >= 0 AND amount_refunded >= 0 AND amount_refunded <= amount_paid"
    " AND (status IN ('DRAFT', 'VOID')"
)
FORMER_DUE = f"{NOTED} OR amount_due = total - amount_credited - amount_paid + amount_refunded)"
DUE = (
    f"{NOTED} OR amount_due = total - credits_after_tax - amount_credited - amount_paid"
    " + amount_refunded)"
)


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column(
            "invoice", sa.Column(column, sa.Numeric(), server_default="0", nullable=False)
        )
    change_checks(total="total = subtotal - credits_before_tax + tax", due=DUE, amounts=AMOUNTS)
    create_invoice_draw()
    create_invoice_drawing()
    extend_credit_note()
    create_credit_note_return()
    for table in ("invoice_draw", "invoice_drawing", "credit_note_return"):
        policies.protect(table, privileges=("SELECT", "INSERT"))


def downgrade() -> None:
    """Refused where a bill drew on credit: its sums would not add up."""
    op.drop_table("credit_note_return")
    op.drop_constraint(op.f("ck_credit_note_credits_after_tax"), "credit_note")
    op.drop_constraint(op.f("ck_credit_note_amounts"), "credit_note")
    op.create_check_constraint(
        op.f("ck_credit_note_amounts"), "credit_note", "subtotal > 0 AND tax >= 0"
    )
    for column in COLUMNS:
        op.drop_column("credit_note", column)
    op.drop_table("invoice_drawing")
    op.drop_table("invoice_draw")
    change_checks(total="total = subtotal + tax", due=FORMER_DUE, amounts=FORMER_AMOUNTS)
    for column in COLUMNS:
        op.drop_column("invoice", column)


def change_checks(**conditions: str) -> None:
    """Each of these checks of an invoice says something else."""
    for name, condition in conditions.items():
        op.drop_constraint(op.f(f"ck_invoice_{name}"), "invoice")
        op.create_check_constraint(op.f(f"ck_invoice_{name}"), "invoice", condition)


def create_invoice_draw() -> None:
    op.create_table(
        "invoice_draw",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("line_position", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("money", sa.Numeric(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.CheckConstraint("amount > 0 AND money >= 0", name=op.f("ck_invoice_draw_amount")),
        sa.CheckConstraint(
            "place IN ('before_tax', 'after_tax')", name=op.f("ck_invoice_draw_place")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "grant_id"],
            ["credit_grant.organization_id", "credit_grant.id"],
            name=op.f("fk_invoice_draw_organization_id_grant_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id", "line_position"],
            ["invoice_line.organization_id", "invoice_line.invoice_id", "invoice_line.position"],
            name="fk_invoice_draw_line",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoice.organization_id", "invoice.id"],
            name=op.f("fk_invoice_draw_organization_id_invoice_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_invoice_draw_organization_id")
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "invoice_id",
            "line_position",
            "grant_id",
            name=op.f("pk_invoice_draw"),
        ),
    )


def create_invoice_drawing() -> None:
    op.create_table(
        "invoice_drawing",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoice.organization_id", "invoice.id"],
            name=op.f("fk_invoice_drawing_organization_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_invoice_drawing_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "invoice_id", name=op.f("pk_invoice_drawing")),
    )


def extend_credit_note() -> None:
    for column in COLUMNS:
        op.add_column(
            "credit_note", sa.Column(column, sa.Numeric(), server_default="0", nullable=False)
        )
    op.drop_constraint(op.f("ck_credit_note_amounts"), "credit_note")
    op.create_check_constraint(
        op.f("ck_credit_note_amounts"),
        "credit_note",
        "subtotal >= 0 AND tax >= 0 AND credits_before_tax >= 0"
        " AND subtotal + credits_before_tax > 0",
    )
    op.create_check_constraint(
        op.f("ck_credit_note_credits_after_tax"),
        "credit_note",
        "credits_after_tax BETWEEN 0 AND total",
    )


def create_credit_note_return() -> None:
    op.create_table(
        "credit_note_return",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("credit_note_id", sa.Uuid(), nullable=False),
        sa.Column("line_position", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("money", sa.Numeric(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.CheckConstraint("amount > 0 AND money >= 0", name=op.f("ck_credit_note_return_amount")),
        sa.CheckConstraint(
            "place IN ('before_tax', 'after_tax')", name=op.f("ck_credit_note_return_place")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "credit_note_id"],
            ["credit_note.organization_id", "credit_note.id"],
            name=op.f("fk_credit_note_return_organization_id_credit_note_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id", "line_position", "grant_id"],
            [
                "invoice_draw.organization_id",
                "invoice_draw.invoice_id",
                "invoice_draw.line_position",
                "invoice_draw.grant_id",
            ],
            name="fk_credit_note_return_draw",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_credit_note_return_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "credit_note_id",
            "line_position",
            "grant_id",
            name=op.f("pk_credit_note_return"),
        ),
    )
    op.create_index(
        "ix_credit_note_return_invoice",
        "credit_note_return",
        ["organization_id", "invoice_id"],
        unique=False,
    )
