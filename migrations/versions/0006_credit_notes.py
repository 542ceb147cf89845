"""Credit notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0006"
down_revision = "0005"

TABLES = (
    "credit_note",
    "credit_note_line",
)


def upgrade() -> None:
    """Create credit notes, which can be added and never changed."""
    create_credit_note()
    create_credit_note_line()
    for table in TABLES:
        policies.protect(table, privileges=("SELECT", "INSERT"))


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def create_credit_note() -> None:
    op.create_table(
        "credit_note",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subtotal", sa.Numeric(), nullable=False),
        sa.Column("tax", sa.Numeric(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        sa.Column("issue_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('manual', 'late_usage')", name=op.f("ck_credit_note_kind")),
        sa.CheckConstraint("subtotal > 0 AND tax >= 0", name=op.f("ck_credit_note_amounts")),
        sa.CheckConstraint("total = subtotal + tax", name=op.f("ck_credit_note_total")),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoice.organization_id", "invoice.id"],
            name=op.f("fk_credit_note_organization_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_credit_note_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_credit_note")),
        sa.UniqueConstraint("organization_id", "number", name="uq_credit_note_number"),
    )
    op.create_index(
        "ix_credit_note_invoice", "credit_note", ["organization_id", "invoice_id"], unique=False
    )


def create_credit_note_line() -> None:
    op.create_table(
        "credit_note_line",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("credit_note_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_credit_note_line_amount")),
        sa.ForeignKeyConstraint(
            ["organization_id", "credit_note_id"],
            ["credit_note.organization_id", "credit_note.id"],
            name=op.f("fk_credit_note_line_organization_id_credit_note_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "line_id"],
            ["invoice_line.organization_id", "invoice_line.id"],
            name=op.f("fk_credit_note_line_organization_id_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_credit_note_line_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_credit_note_line")),
    )
    op.create_index(
        "ix_credit_note_line_line", "credit_note_line", ["organization_id", "line_id"], unique=False
    )
