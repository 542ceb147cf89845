"""Columns that no release writes any more are gone: what arrived is deleted, not marked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0017"
down_revision = "0016"

MARKED = "delivered_at IS NULL"


def upgrade() -> None:
    """Messages that releases of old marked as delivered go with the mark, or they would go out."""
    with policies.unforced(("outbox_message",)):
        op.execute("DELETE FROM outbox_message WHERE delivered_at IS NOT NULL")
    stop_relaying()
    op.drop_column("outbox_message", "last_error")
    op.drop_column("outbox_message", "delivered_at")
    relay("kind = {value}", where=None)
    op.drop_column("subscription", "attention")


def downgrade() -> None:
    op.add_column("subscription", sa.Column("attention", sa.Text(), nullable=True))
    stop_relaying()
    op.add_column(
        "outbox_message", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("outbox_message", sa.Column("last_error", sa.Text(), nullable=True))
    relay(f"{MARKED} AND kind = {{value}}", where=MARKED)


def stop_relaying() -> None:
    """Drop what reads ``delivered_at``: the index of what is due, and the relays' policies."""
    op.execute("DROP POLICY lookup_outbox_kind_lock ON outbox_message")
    op.execute("DROP POLICY lookup_outbox_kind ON outbox_message")
    op.drop_index("ix_outbox_message_due", table_name="outbox_message")


def relay(condition: str, *, where: str | None) -> None:
    """Relays find due messages of a kind by index alone, and may lock them."""
    op.create_index(
        "ix_outbox_message_due",
        "outbox_message",
        ["kind", "available_at", "id"],
        unique=False,
        postgresql_where=None if where is None else sa.text(where),
    )
    policies.allow_lookup("outbox_message", setting="outbox_kind", condition=condition)
    policies.allow_lookup_locks("outbox_message", setting="outbox_kind", condition=condition)
