"""What keys sent lately is shown to whoever looks for a failed request."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0066"
down_revision = "0065"


def upgrade() -> None:
    op.create_table(
        "logged_request",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("fields", sa.Text(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("alike", sa.Integer(), nullable=False),
        sa.CheckConstraint("octet_length(method) <= 16", name=op.f("ck_logged_request_method")),
        sa.CheckConstraint("octet_length(path) <= 400", name=op.f("ck_logged_request_path")),
        sa.CheckConstraint("octet_length(code) <= 100", name=op.f("ck_logged_request_code")),
        sa.CheckConstraint("octet_length(fields) <= 400", name=op.f("ck_logged_request_fields")),
        sa.CheckConstraint(
            "octet_length(request_id) <= 64", name=op.f("ck_logged_request_request_id")
        ),
        sa.CheckConstraint(
            "alike > 0 AND milliseconds >= 0", name=op.f("ck_logged_request_counts")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_logged_request")),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_logged_request_at", "logged_request", ["organization_id", "at", "id"])
    policies.protect("logged_request", privileges=("SELECT", "INSERT", "DELETE"))


def downgrade() -> None:
    """Nobody is told any more what keys sent."""
    op.drop_table("logged_request")
