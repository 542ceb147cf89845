"""Organizations, people, keys, audit log and test clocks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0001"
down_revision = None

TABLES = (
    "organization",
    "api_key",
    "app_user",
    "audit_entry",
    "idempotency_request",
    "login_failures",
    "organization_directory",
    "test_clock",
    "user_session",
)


def upgrade() -> None:
    """Create the tables that everything else belongs to, and the role that processes act as."""
    policies.create_application_role()
    create_organization()
    create_organization_directory()
    create_app_user()
    create_user_session()
    create_api_key()
    create_idempotency_request()
    create_audit_entry()
    create_test_clock()
    create_login_failures()
    protect_tables()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def protect_tables() -> None:
    """Show every row to its organization alone, and a few to whoever knows their secret."""
    written = ("SELECT", "INSERT", "UPDATE")
    policies.protect("organization", column="id", privileges=written)
    policies.grant("organization_directory", ("SELECT", "INSERT"))
    policies.grant("login_failures", (*written, "DELETE"))
    for table in ("app_user", "api_key", "test_clock"):
        policies.protect(table, privileges=written)
    for table in ("user_session", "idempotency_request"):
        policies.protect(table, privileges=(*written, "DELETE"))
    policies.protect("audit_entry", privileges=("SELECT", "INSERT"))
    policies.allow_lookup("app_user", setting="email", condition="lower(email) = lower({value})")
    policies.allow_lookup(
        "user_session",
        setting="refresh_family",
        condition="family_hash = {value}",
    )
    policies.allow_lookup("api_key", setting="key_hash", condition="key_hash = {value}")


def create_organization() -> None:
    op.create_table(
        "organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("billing_address_line1", sa.Text(), nullable=True),
        sa.Column("billing_address_city", sa.Text(), nullable=True),
        sa.Column("billing_address_state", sa.Text(), nullable=True),
        sa.Column("billing_address_postal_code", sa.Text(), nullable=True),
        sa.Column("billing_address_country", sa.Text(), nullable=True),
        sa.Column("payment_terms_days", sa.Integer(), nullable=False),
        sa.Column("grace_period_minutes", sa.Integer(), nullable=False),
        sa.Column("proration", sa.Text(), nullable=False),
        sa.Column("late_usage", sa.Text(), nullable=False),
        sa.Column("number_at", sa.Text(), nullable=False),
        sa.Column("auto_create_customers", sa.Boolean(), nullable=False),
        sa.Column("auto_email", sa.Boolean(), nullable=False),
        sa.Column("bank_details", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "late_usage IN ('next_invoice', 'credit_note_or_invoice', 'ignore')",
            name=op.f("ck_organization_late_usage"),
        ),
        sa.CheckConstraint(
            "number_at IN ('draft', 'finalization')",
            name=op.f("ck_organization_number_at"),
        ),
        sa.CheckConstraint(
            "proration IN ('day', 'second')", name=op.f("ck_organization_proration")
        ),
        sa.CheckConstraint(
            "grace_period_minutes BETWEEN 0 AND 525600",
            name=op.f("ck_organization_grace_period_minutes"),
        ),
        sa.CheckConstraint(
            "payment_terms_days BETWEEN 0 AND 3650",
            name=op.f("ck_organization_payment_terms_days"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
    )


def create_api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'REVOKED') = (revoked_at IS NOT NULL)",
            name=op.f("ck_api_key_revoked_at"),
        ),
        sa.CheckConstraint("status IN ('ACTIVE', 'REVOKED')", name=op.f("ck_api_key_status")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_api_key_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("key_hash", name="uq_api_key_hash"),
    )


def create_app_user() -> None:
    op.create_table(
        "app_user",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'billing', 'developer', 'read_only')",
            name=op.f("ck_app_user_role"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_app_user_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_app_user")),
    )
    op.create_index(
        "uq_app_user_email",
        "app_user",
        [sa.literal_column("lower(email)")],
        unique=True,
    )


def create_audit_entry() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column(
            "before",
            postgresql.JSONB(),
            nullable=True,
        ),
        sa.Column(
            "after",
            postgresql.JSONB(),
            nullable=True,
        ),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_audit_entry_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_audit_entry")),
    )
    op.create_index(
        "ix_audit_entry_at",
        "audit_entry",
        ["organization_id", "at", "id"],
        unique=False,
    )


def create_idempotency_request() -> None:
    op.create_table(
        "idempotency_request",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_idempotency_request_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "method",
            "path",
            "key",
            name=op.f("pk_idempotency_request"),
        ),
    )
    op.create_index(
        "ix_idempotency_request_created_at",
        "idempotency_request",
        ["organization_id", "created_at"],
        unique=False,
    )


def create_login_failures() -> None:
    op.create_table(
        "login_failures",
        sa.Column("account_hash", sa.Text(), nullable=False),
        sa.Column("failed_at", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_hash", name=op.f("pk_login_failures")),
    )
    op.create_index("ix_login_failures_forget_at", "login_failures", ["forget_at"], unique=False)


def create_organization_directory() -> None:
    op.create_table(
        "organization_directory",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["id"], ["organization.id"], name=op.f("fk_organization_directory_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization_directory")),
    )


def create_test_clock() -> None:
    op.create_table(
        "test_clock",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("frozen_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("target_time >= frozen_time", name=op.f("ck_test_clock_target_time")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_test_clock_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_test_clock")),
    )
    op.create_index(
        "ix_test_clock_created",
        "test_clock",
        ["organization_id", "created_at", "id"],
        unique=False,
    )


def create_user_session() -> None:
    op.create_table(
        "user_session",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("family_hash", sa.Text(), nullable=False),
        sa.Column("refresh_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["app_user.organization_id", "app_user.id"],
            name=op.f("fk_user_session_organization_id_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_user_session_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_user_session")),
        sa.UniqueConstraint("family_hash", name="uq_user_session_family_hash"),
    )
    op.create_index(
        "ix_user_session_user",
        "user_session",
        ["organization_id", "user_id"],
        unique=False,
    )
