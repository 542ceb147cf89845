"""Charges are priced in units of credit too, and say what happens to what no credit pays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"

COLUMNS = ("shortfall", "overage_rate", "unit")


def upgrade() -> None:
    """What is there already is priced in its plan's currency, and invoiced."""
    op.add_column("charge", sa.Column("unit", sa.Text(), nullable=True))
    op.add_column("charge", sa.Column("overage_rate", sa.Numeric(), nullable=True))
    op.add_column(
        "charge", sa.Column("shortfall", sa.Text(), server_default="invoice", nullable=False)
    )
    op.create_foreign_key(
        "fk_charge_unit",
        "charge",
        "credit_unit",
        ["organization_id", "unit"],
        ["organization_id", "code"],
    )
    op.create_check_constraint(
        op.f("ck_charge_shortfall"), "charge", "shortfall IN ('invoice', 'block')"
    )
    op.create_check_constraint(
        op.f("ck_charge_blocks"), "charge", "shortfall = 'invoice' OR type = 'USAGE'"
    )
    op.create_check_constraint(
        op.f("ck_charge_overage_rate"),
        "charge",
        "CASE WHEN unit IS NULL THEN overage_rate IS NULL"
        " ELSE coalesce(overage_rate >= 0, shortfall = 'block') END",
    )


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_column("charge", column)
