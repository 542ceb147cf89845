"""Relays find due messages by index alone; customers say whether usage created them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0010"
down_revision = "0009"

WAITING = "delivered_at IS NULL"
OF_KIND = f"{WAITING} AND kind = {{value}}"


def upgrade() -> None:
    """Let relays look for messages of a kind without naming every organization.

    Customers that ingestion created are those without an email: nobody else could be without one.
    """
    op.drop_index("ix_outbox_message_due", table_name="outbox_message")
    op.create_index(
        "ix_outbox_message_due",
        "outbox_message",
        ["kind", "available_at", "id"],
        unique=False,
        postgresql_where=sa.text(WAITING),
    )
    policies.allow_lookup("outbox_message", setting="outbox_kind", condition=OF_KIND)
    policies.allow_lookup_locks("outbox_message", setting="outbox_kind", condition=OF_KIND)
    # The default is for processes of the release before, which go on while this runs.
    op.add_column(
        "customer",
        sa.Column("auto_created", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.execute("ALTER TABLE customer NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE customer SET auto_created = true WHERE email IS NULL")
    op.execute("ALTER TABLE customer FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("customer", "auto_created")
    op.execute("DROP POLICY lookup_outbox_kind_lock ON outbox_message")
    op.execute("DROP POLICY lookup_outbox_kind ON outbox_message")
    op.drop_index("ix_outbox_message_due", table_name="outbox_message")
    op.create_index(
        "ix_outbox_message_due",
        "outbox_message",
        ["available_at"],
        unique=False,
        postgresql_where=sa.text(WAITING),
    )
