"""Receipts of issued invoices are signed and chained; the chain begins with the next one issued.

What was issued before has no signed receipt: nobody could say today what it was when it was issued.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import policies

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    create_keys()
    create_chain()
    create_receipts()
    # Strangers know the id of a receipt, and the id of a key; neither says whose they are.
    policies.allow_lookup("signed_receipt", setting="receipt_id", condition="id::text = {value}")
    policies.allow_lookup(
        "receipt_key", setting="receipt_keys", condition="{value} IN ('all', key_id)"
    )


def downgrade() -> None:
    op.drop_table("signed_receipt")
    op.drop_table("receipt_chain")
    op.drop_table("receipt_key")


def create_keys() -> None:
    op.create_table(
        "receipt_key",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_receipt_key")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_receipt_key_organization_id")
        ),
        sa.UniqueConstraint("organization_id", "key_id", name="uq_receipt_key_key_id"),
    )
    op.create_index(
        "uq_receipt_key_active",
        "receipt_key",
        ["organization_id"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    policies.protect("receipt_key", privileges=("SELECT", "INSERT", "UPDATE"))


def create_chain() -> None:
    op.create_table(
        "receipt_chain",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_digest", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_receipt_chain")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_receipt_chain_organization_id")
        ),
        sa.CheckConstraint(
            "(last_sequence = 0) = (last_digest IS NULL)", name=op.f("ck_receipt_chain_last_digest")
        ),
    )
    policies.protect("receipt_chain", privileges=("SELECT", "INSERT", "UPDATE"))


def create_receipts() -> None:
    op.create_table(
        "signed_receipt",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("previous_digest", sa.Text(), nullable=True),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_signed_receipt")),
        *unique_constraints(),
        *references(),
        *checks(),
    )
    # Strangers ask by the id alone.
    op.create_index("ix_signed_receipt_id", "signed_receipt", ["id"])
    policies.protect("signed_receipt", privileges=("SELECT", "INSERT"))


def unique_constraints() -> list[sa.UniqueConstraint]:
    """One receipt an invoice, one place each, and exactly one successor."""
    columns = {
        "invoice": "invoice_id",
        "sequence": "sequence",
        "digest": "digest",
        "previous": "previous_digest",
    }
    return [
        sa.UniqueConstraint("organization_id", column, name=f"uq_signed_receipt_{name}")
        for name, column in columns.items()
    ]


def references() -> list[sa.ForeignKeyConstraint]:
    """None can be taken out from between two others, and no invoice that has one."""
    targets = {
        "invoice_id": "invoice.id",
        "previous_digest": "signed_receipt.digest",
        "key_id": "receipt_key.key_id",
    }
    return [
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_signed_receipt_organization_id")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column],
                [f"{target.partition('.')[0]}.organization_id", target],
                name=op.f(f"fk_signed_receipt_organization_id_{column}"),
            )
            for column, target in targets.items()
        ),
    ]


def checks() -> list[sa.CheckConstraint]:
    """Only the first has none before it; a signature names its key."""
    conditions = {
        "first": "(sequence = 1) = (previous_digest IS NULL)",
        "sequence": "sequence > 0",
        "signature": "(key_id IS NULL) = (signature IS NULL)",
    }
    return [
        sa.CheckConstraint(condition, name=op.f(f"ck_signed_receipt_{name}"))
        for name, condition in conditions.items()
    ]
