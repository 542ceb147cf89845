"""Organizations have several members: roles that leave an owner, invitations, second factors."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import policies

revision = "0039"
down_revision = "0038"

TABLES = ("invitation", "password_reset", "totp_factor", "recovery_code", "login_address")
ENDED = "accepted_at IS NOT NULL OR revoked_at IS NOT NULL"
ROLES = "role IN ('owner', 'admin', 'billing', 'developer', 'read_only')"
CAUSE = (
    "CASE cause"
    " WHEN 'finalized' THEN invoice_id IS NOT NULL"
    " WHEN 'requested' THEN invoice_id IS NOT NULL"
    " WHEN 'credit_note' THEN invoice_id IS NOT NULL AND credit_note_id IS NOT NULL"
    " WHEN 'endpoint_disabled' THEN endpoint_id IS NOT NULL"
    " WHEN 'reminder' THEN invoice_id IS NOT NULL"
)
CAUSE_BEFORE = f"{CAUSE} ELSE cause = 'test' END"
CAUSE_NOW = (
    f"{CAUSE}"
    " WHEN 'invitation' THEN invitation_id IS NOT NULL"
    " WHEN 'password_reset' THEN password_reset_id IS NOT NULL"
    " ELSE cause = 'test' END"
)


def upgrade() -> None:
    remember_members()
    keep_last_owner()
    limit_keys()
    create_invitation()
    create_password_reset()
    create_second_factors()
    create_login_address()
    protect_tables()
    tell_of_accounts_by_mail()


def downgrade() -> None:
    """Members who were removed have no place in the schema before: they go, sessions and all."""
    op.drop_constraint(op.f("ck_email_cause"), "email")
    with policies.unforced(["email", "app_user", "user_session"]):
        op.execute("DELETE FROM email WHERE cause IN ('invitation', 'password_reset')")
        for name in ("invitation_id", "password_reset_id"):
            op.drop_column("email", name)
        op.create_check_constraint(op.f("ck_email_cause"), "email", CAUSE_BEFORE)
        for table in TABLES:
            op.drop_table(table)
        op.drop_constraint(op.f("ck_api_key_allowed_addresses"), "api_key")
        op.drop_constraint(op.f("ck_api_key_expires_at"), "api_key")
        op.drop_column("api_key", "allowed_addresses")
        op.drop_column("api_key", "expires_at")
        for name in ("notify_removed", "keep_last_owner"):
            op.execute(f"DROP TRIGGER {name} ON app_user")
        op.execute("DROP FUNCTION keep_last_owner()")
        for name in ("last_seen_at", "address", "user_agent"):
            op.drop_column("user_session", name)
        op.execute(
            "DELETE FROM user_session USING app_user WHERE app_user.removed_at IS NOT NULL"
            " AND user_session.organization_id = app_user.organization_id"
            " AND user_session.user_id = app_user.id"
        )
        op.execute("DELETE FROM app_user WHERE removed_at IS NOT NULL")
        op.drop_index("uq_app_user_email", "app_user")
        op.drop_column("app_user", "removed_at")
        op.create_index(
            "uq_app_user_email", "app_user", [sa.literal_column("lower(email)")], unique=True
        )


def instant(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def of_organization(table: str, *columns: str) -> list[sa.Constraint]:
    """References to the organization, and to people of it."""
    return [
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f(f"fk_{table}_organization_id")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column],
                ["app_user.organization_id", "app_user.id"],
                name=op.f(f"fk_{table}_organization_id_{column}"),
            )
            for column in columns
        ),
    ]


def remember_members() -> None:
    """Who is removed stays as a row; the address is free for somebody new."""
    op.add_column("app_user", instant("removed_at", nullable=True))
    op.drop_index("uq_app_user_email", "app_user")
    op.create_index(
        "uq_app_user_email",
        "app_user",
        [sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.add_column("user_session", instant("last_seen_at", nullable=True))
    op.add_column("user_session", sa.Column("address", sa.Text(), nullable=True))
    op.add_column("user_session", sa.Column("user_agent", sa.Text(), nullable=True))
    op.execute(
        """
        CREATE TRIGGER notify_removed AFTER UPDATE OF removed_at ON app_user
        FOR EACH ROW WHEN (NEW.removed_at IS NOT NULL AND OLD.removed_at IS NULL)
        EXECUTE FUNCTION notify_revoked_key()
        """
    )


def keep_last_owner() -> None:
    """No statement takes its last owner from an organization, however many run at once.

    They take turns by the organization's row: each sees what the one before it left.
    """
    op.execute(
        """
        CREATE FUNCTION keep_last_owner() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN
            PERFORM 1 FROM organization WHERE id = NEW.organization_id FOR NO KEY UPDATE;
            IF NOT EXISTS (
                SELECT 1 FROM app_user WHERE organization_id = NEW.organization_id
                AND role = 'owner' AND removed_at IS NULL
            ) THEN
                RAISE EXCEPTION 'an organization keeps an owner' USING
                    ERRCODE = 'check_violation',
                    TABLE = 'app_user', CONSTRAINT = 'ck_app_user_last_owner';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER keep_last_owner AFTER UPDATE OF role, removed_at ON app_user
        FOR EACH ROW WHEN (
            OLD.role = 'owner' AND OLD.removed_at IS NULL
            AND (NEW.role <> 'owner' OR NEW.removed_at IS NOT NULL)
        ) EXECUTE FUNCTION keep_last_owner()
        """
    )


def limit_keys() -> None:
    """Keys may end by themselves, and may be good from some addresses alone."""
    op.add_column("api_key", instant("expires_at", nullable=True))
    op.add_column(
        "api_key",
        sa.Column(
            "allowed_addresses", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"
        ),
    )
    op.create_check_constraint(op.f("ck_api_key_expires_at"), "api_key", "expires_at > created_at")
    op.create_check_constraint(
        op.f("ck_api_key_allowed_addresses"),
        "api_key",
        "cardinality(allowed_addresses) <= 50 AND CAST(allowed_addresses AS cidr[]) IS NOT NULL",
    )


def create_invitation() -> None:
    op.create_table(
        "invitation",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("sealed_token", sa.Text(), nullable=True),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        instant("created_at"),
        instant("expires_at"),
        sa.Column("sent_count", sa.Integer(), nullable=False),
        instant("accepted_at", nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        instant("revoked_at", nullable=True),
        sa.CheckConstraint(ROLES, name=op.f("ck_invitation_role")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_invitation_expires_at")),
        sa.CheckConstraint(
            "(accepted_at IS NULL) = (user_id IS NULL)", name=op.f("ck_invitation_accepted")
        ),
        sa.CheckConstraint(
            "accepted_at IS NULL OR revoked_at IS NULL", name=op.f("ck_invitation_ended_once")
        ),
        sa.CheckConstraint(
            f"sealed_token IS NULL OR NOT ({ENDED})", name=op.f("ck_invitation_sealed_token")
        ),
        sa.CheckConstraint("sent_count >= 1", name=op.f("ck_invitation_sent_count")),
        *of_organization("invitation", "invited_by", "user_id"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name="uq_invitation_token_hash"),
    )
    op.create_index(
        "uq_invitation_open",
        "invitation",
        ["organization_id", sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("accepted_at IS NULL AND revoked_at IS NULL"),
    )


def create_password_reset() -> None:
    op.create_table(
        "password_reset",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("sealed_token", sa.Text(), nullable=True),
        instant("created_at"),
        instant("expires_at"),
        instant("ended_at", nullable=True),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_password_reset_expires_at")),
        sa.CheckConstraint(
            "sealed_token IS NULL OR ended_at IS NULL", name=op.f("ck_password_reset_sealed_token")
        ),
        *of_organization("password_reset", "user_id"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_password_reset")),
        sa.UniqueConstraint("token_hash", name="uq_password_reset_token_hash"),
    )
    op.create_index(
        "ix_password_reset_user", "password_reset", ["organization_id", "user_id", "created_at"]
    )


def create_second_factors() -> None:
    op.create_table(
        "totp_factor",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_secret", sa.Text(), nullable=False),
        instant("created_at"),
        instant("confirmed_at", nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "last_step IS NULL OR confirmed_at IS NOT NULL", name=op.f("ck_totp_factor_last_step")
        ),
        *of_organization("totp_factor", "user_id"),
        sa.PrimaryKeyConstraint("organization_id", "user_id", name=op.f("pk_totp_factor")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        instant("created_at"),
        instant("used_at", nullable=True),
        *of_organization("recovery_code", "user_id"),
        sa.PrimaryKeyConstraint("organization_id", "code_hash", name=op.f("pk_recovery_code")),
    )
    op.create_index("ix_recovery_code_user", "recovery_code", ["organization_id", "user_id"])


def create_login_address() -> None:
    op.create_table(
        "login_address",
        sa.Column("account_hash", sa.Text(), nullable=False),
        sa.Column("address_hash", sa.Text(), nullable=False),
        instant("forget_at"),
        sa.PrimaryKeyConstraint("account_hash", "address_hash", name=op.f("pk_login_address")),
    )
    op.create_index("ix_login_address_forget_at", "login_address", ["forget_at"])


def protect_tables() -> None:
    """A link opens its own row before anybody knows the organization."""
    written = ("SELECT", "INSERT", "UPDATE")
    for table in ("invitation", "password_reset"):
        policies.protect(table, privileges=written)
        policies.allow_lookup(table, setting=table, condition="token_hash = {value}")
    for table in ("totp_factor", "recovery_code"):
        policies.protect(table, privileges=(*written, "DELETE"))
    policies.grant("login_address", (*written, "DELETE"))


def tell_of_accounts_by_mail() -> None:
    for name in ("invitation", "password_reset"):
        op.add_column("email", sa.Column(f"{name}_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_email_organization_id_{name}_id"),
            "email",
            name,
            ["organization_id", f"{name}_id"],
            ["organization_id", "id"],
        )
    op.drop_constraint(op.f("ck_email_cause"), "email")
    op.create_check_constraint(op.f("ck_email_cause"), "email", CAUSE_NOW)
