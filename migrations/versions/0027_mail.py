"""Mails, what organizations write in them, and the servers that they are sent by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import policies

revision = "0027"
down_revision = "0026"

QUEUED = "status = 'queued'"
SMTP_TEXTS = (
    "smtp_host",
    "smtp_username",
    "sealed_smtp_password",
    "smtp_from_email",
    "smtp_from_name",
    "smtp_reply_to",
)
CAUSE = (
    "CASE cause"
    " WHEN 'finalized' THEN invoice_id IS NOT NULL"
    " WHEN 'requested' THEN invoice_id IS NOT NULL"
    " WHEN 'credit_note' THEN invoice_id IS NOT NULL AND credit_note_id IS NOT NULL"
    " WHEN 'endpoint_disabled' THEN endpoint_id IS NOT NULL"
    " ELSE cause = 'test' END"
)


def upgrade() -> None:
    index_deliveries()
    add_servers()
    create_emails()
    create_templates()
    tell_of_emails()
    # Whoever sends finds what waits in all organizations by index, and names them before it writes.
    condition = "status = {value}"
    policies.allow_lookup("email", setting="email_status", condition=condition)
    policies.allow_lookup_locks("email", setting="email_status", condition=condition)
    for table in ("webhook_delivery", "webhook_event"):
        policies.grant(table, ("DELETE",))


def downgrade() -> None:
    op.drop_index("ix_webhook_delivery_event", "webhook_delivery")
    for table in ("webhook_delivery", "webhook_event"):
        op.execute(f"REVOKE DELETE ON {table} FROM {policies.APPLICATION_ROLE}")
    op.drop_table("email_template")
    op.drop_table("email")
    op.execute("DROP FUNCTION notify_queued_emails()")
    op.drop_constraint(op.f("ck_organization_smtp_port"), "organization")
    for name in (*SMTP_TEXTS, "smtp_port", "smtp_use_tls"):
        op.drop_column("organization", name)


def index_deliveries() -> None:
    """What was delivered long ago is forgotten, and its event with it.

    In a transaction of its own: however many deliveries there are, organizations are not locked
    meanwhile. Not CONCURRENTLY, which waits for a second process that waits for this one.
    """
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_webhook_delivery_event",
            "webhook_delivery",
            ["organization_id", "event_id"],
            if_not_exists=True,
        )


def add_servers() -> None:
    """Nobody has a server yet; processes of before, which know none, may add organizations."""
    for name in SMTP_TEXTS:
        op.add_column("organization", sa.Column(name, sa.Text(), nullable=True))
    for column in (
        sa.Column("smtp_port", sa.Integer(), nullable=False, server_default="587"),
        sa.Column("smtp_use_tls", sa.Boolean(), nullable=False, server_default=sa.true()),
    ):
        op.add_column("organization", column)
    op.create_check_constraint(
        op.f("ck_organization_smtp_port"), "organization", "smtp_port BETWEEN 1 AND 65535"
    )


def create_emails() -> None:
    op.create_table(
        "email",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("credit_note_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        instant("next_attempt_at", nullable=True),
        sa.Column("response_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        instant("created_at"),
        instant("sent_at", nullable=True),
        *email_constraints(),
    )
    due = sa.text(QUEUED)
    op.create_index(
        "ix_email_due", "email", ["organization_id", "next_attempt_at", "id"], postgresql_where=due
    )
    op.create_index("ix_email_next", "email", ["next_attempt_at"], postgresql_where=due)
    op.create_index("ix_email_listed", "email", ["organization_id", "created_at", "id"])
    op.create_index("ix_email_invoice", "email", ["organization_id", "invoice_id"])
    policies.protect("email", privileges=("SELECT", "INSERT", "UPDATE"))


def email_constraints() -> tuple[sa.Constraint, ...]:
    checks = {
        "status": "status IN ('queued', 'sent', 'failed')",
        "due": "(status = 'queued') = (next_attempt_at IS NOT NULL)",
        "sent": "(status = 'sent') = (sent_at IS NOT NULL)",
        "attempts": "attempts >= 0",
        "cause": CAUSE,
    }
    about = {"invoice": "invoice", "credit_note": "credit_note", "endpoint": "webhook_endpoint"}
    return (
        *(sa.CheckConstraint(sql, name=op.f(f"ck_email_{name}")) for name, sql in checks.items()),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", f"{noun}_id"],
                [f"{table}.organization_id", f"{table}.id"],
                name=op.f(f"fk_email_organization_id_{noun}_id"),
            )
            for noun, table in about.items()
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_email")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_email_organization_id")
        ),
        sa.UniqueConstraint("organization_id", "key", name="uq_email_key"),
    )


def create_templates() -> None:
    op.create_table(
        "email_template",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        instant("updated_at"),
        sa.CheckConstraint(
            "kind IN ('invoice', 'credit_note')", name=op.f("ck_email_template_kind")
        ),
        sa.CheckConstraint(
            "language IN ('en', 'de', 'fr', 'es', 'ja')", name=op.f("ck_email_template_language")
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "kind", "language", name=op.f("pk_email_template")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_email_template_organization_id")
        ),
    )
    policies.protect("email_template", privileges=("SELECT", "INSERT", "UPDATE", "DELETE"))


def tell_of_emails() -> None:
    """The commit that queues mails tells whoever sends them, once, whatever statement does it."""
    op.execute(
        """
        CREATE FUNCTION notify_queued_emails() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN
            PERFORM pg_notify('fluxrate_outbox', 'email') FROM queued
            WHERE status = 'queued' LIMIT 1;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER notify_queued AFTER INSERT ON email REFERENCING NEW TABLE AS queued
        FOR EACH STATEMENT EXECUTE FUNCTION notify_queued_emails()
        """
    )


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of an aware instant."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
