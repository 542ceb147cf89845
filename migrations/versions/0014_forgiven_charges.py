"""What void invoices said of other periods and nobody says again, charge by charge."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0014"
down_revision = "0013"

READ_BY_THE_MOVE = ("correction_part", "forgiven_charge", "invoice", "invoice_line")


def upgrade() -> None:
    """Create the table from the invoices that were forgiven as a whole."""
    create_forgiven_charge()
    policies.protect("forgiven_charge", privileges=("SELECT", "INSERT"))
    with policies.unforced(READ_BY_THE_MOVE):
        move_what_was_forgiven()
    op.drop_constraint(op.f("ck_invoice_forgiven"), "invoice")
    op.drop_column("invoice", "is_forgiven")


def downgrade() -> None:
    op.add_column(
        "invoice",
        sa.Column("is_forgiven", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.alter_column("invoice", "is_forgiven", server_default=None)
    with policies.unforced(READ_BY_THE_MOVE):
        op.execute(
            """
            UPDATE invoice SET is_forgiven = true FROM forgiven_charge AS forgiven
            WHERE forgiven.organization_id = invoice.organization_id
                AND forgiven.invoice_id = invoice.id
            """
        )
    op.create_check_constraint(
        op.f("ck_invoice_forgiven"), "invoice", "NOT is_forgiven OR status = 'VOID'"
    )
    op.drop_table("forgiven_charge")


def create_forgiven_charge() -> None:
    op.create_table(
        "forgiven_charge",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("period_index", sa.Integer(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("billed", sa.Numeric(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_forgiven_charge_amount")),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", f"{table}_id"],
                [f"{table}.organization_id", f"{table}.id"],
                name=op.f(f"fk_forgiven_charge_organization_id_{table}_id"),
            )
            for table in ("subscription", "invoice")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_forgiven_charge_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_forgiven_charge")),
        sa.UniqueConstraint(
            "organization_id",
            "invoice_id",
            "period_index",
            "charge_id",
            name="uq_forgiven_charge_said",
        ),
    )
    op.create_index(
        "ix_forgiven_charge_period",
        "forgiven_charge",
        ["organization_id", "subscription_id", "period_index"],
    )


def move_what_was_forgiven() -> None:
    """What a forgiven invoice said of other periods, beside what valid documents bill of them."""
    op.execute(
        """
        INSERT INTO forgiven_charge (organization_id, id, subscription_id, period_index, charge_id,
            invoice_id, billed, amount)
        SELECT said.organization_id, gen_random_uuid(), said.subscription_id, said.period_index,
            said.charge_id, said.invoice_id,
            -- The bill of the period itself, and late lines and settlements of it since.
            coalesce((
                SELECT sum(line.line_total) FROM invoice AS bill
                JOIN invoice_line AS line ON line.organization_id = bill.organization_id
                    AND line.invoice_id = bill.id
                WHERE bill.organization_id = said.organization_id
                    AND bill.subscription_id = said.subscription_id
                    AND bill.period_index = said.period_index AND bill.kind = 'period'
                    AND bill.status NOT IN ('DRAFT', 'VOID') AND line.charge_id = said.charge_id
            ), 0) + coalesce((
                SELECT sum(part.amount) FROM correction_part AS part
                JOIN invoice AS other ON other.organization_id = part.organization_id
                    AND other.id = part.invoice_id
                WHERE part.organization_id = said.organization_id
                    AND part.subscription_id = said.subscription_id
                    AND part.period_index = said.period_index
                    AND part.charge_id = said.charge_id AND NOT part.is_by_hand
                    AND other.status NOT IN ('DRAFT', 'VOID')
            ), 0),
            said.amount
        FROM (
            SELECT part.organization_id, part.subscription_id, part.period_index, part.charge_id,
                part.invoice_id, sum(part.amount) AS amount
            FROM correction_part AS part
            JOIN invoice ON invoice.organization_id = part.organization_id
                AND invoice.id = part.invoice_id
            WHERE invoice.is_forgiven AND NOT part.is_by_hand
                AND part.period_index IS DISTINCT FROM invoice.period_index
            GROUP BY part.organization_id, part.subscription_id, part.period_index,
                part.charge_id, part.invoice_id
            HAVING sum(part.amount) <> 0
        ) AS said
        """
    )
