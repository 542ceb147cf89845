"""What is forgiven of a period whose draft people rewrote is forgiven of the period as one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0018"
down_revision = "0017"

SAID = "uq_forgiven_charge_said"
REWRITTEN = "fk_forgiven_charge_organization_id_rewritten_id"


def upgrade() -> None:
    op.add_column("forgiven_charge", sa.Column("rewritten_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f(REWRITTEN),
        "forgiven_charge",
        "invoice",
        ["organization_id", "rewritten_id"],
        ["organization_id", "id"],
    )
    op.alter_column("forgiven_charge", "charge_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_forgiven_charge_as_one"),
        "forgiven_charge",
        "rewritten_id IS NULL OR charge_id IS NULL",
    )
    tell_apart(postgresql_nulls_not_distinct=True)


def downgrade() -> None:
    """What was forgiven of whole periods is lost: the release before knows charges alone."""
    with policies.unforced(("forgiven_charge",)):
        op.execute("DELETE FROM forgiven_charge WHERE charge_id IS NULL")
    tell_apart(postgresql_nulls_not_distinct=False)
    op.drop_column("forgiven_charge", "rewritten_id")
    op.alter_column("forgiven_charge", "charge_id", nullable=False)


def tell_apart(*, postgresql_nulls_not_distinct: bool) -> None:
    """One row for each charge, or period, that a void invoice spoke of."""
    op.drop_constraint(SAID, "forgiven_charge")
    op.create_unique_constraint(
        SAID,
        "forgiven_charge",
        ["organization_id", "invoice_id", "period_index", "charge_id"],
        postgresql_nulls_not_distinct=postgresql_nulls_not_distinct,
    )
