"""Tables of mails, and of what organizations write in them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.base import Tenant, instant, reference, words


class Email(Tenant, table=True):
    """One mail to one recipient. Its text is made when it is sent, and not kept.

    ``key`` is what no other mail has: one mail for each invoice and cause. A queued one is due at
    ``next_attempt_at``; while somebody sends it, that is when it would be sent again if nobody said
    what became of it.
    """

    __tablename__ = "email"
    __table_args__ = (
        UniqueConstraint("organization_id", "key", name="uq_email_key"),
        reference("invoice_id", "invoice"),
        reference("credit_note_id", "credit_note"),
        reference("endpoint_id", "webhook_endpoint"),
        reference("invitation_id", "invitation"),
        reference("password_reset_id", "password_reset"),
        CheckConstraint("status IN ('queued', 'sent', 'failed')", name="status"),
        CheckConstraint("(status = 'queued') = (next_attempt_at IS NOT NULL)", name="due"),
        CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint(
            "CASE cause"
            " WHEN 'finalized' THEN invoice_id IS NOT NULL"
            " WHEN 'requested' THEN invoice_id IS NOT NULL"
            " WHEN 'credit_note' THEN invoice_id IS NOT NULL AND credit_note_id IS NOT NULL"
            " WHEN 'endpoint_disabled' THEN endpoint_id IS NOT NULL"
            " WHEN 'reminder' THEN invoice_id IS NOT NULL"
            " WHEN 'invitation' THEN invitation_id IS NOT NULL"
            " WHEN 'password_reset' THEN password_reset_id IS NOT NULL"
            " ELSE cause = 'test' END",
            name="cause",
        ),
        Index(
            "ix_email_due",
            "organization_id",
            "next_attempt_at",
            "id",
            postgresql_where=text("status = 'queued'"),
        ),
        Index("ix_email_next", "next_attempt_at", postgresql_where=text("status = 'queued'")),
        Index("ix_email_listed", "organization_id", "created_at", "id"),
        Index("ix_email_invoice", "organization_id", "invoice_id"),
    )

    cause: str = words()
    key: str = words()
    message_id: str = words()
    recipient: str | None = words(nullable=True, default=None)
    invoice_id: UUID | None = None
    credit_note_id: UUID | None = None
    endpoint_id: UUID | None = None
    invitation_id: UUID | None = None
    password_reset_id: UUID | None = None
    status: str = words()
    attempts: int = 0
    next_attempt_at: datetime | None = instant(nullable=True, default=None)
    response_code: int | None = None
    error: str | None = words(nullable=True, default=None)
    created_at: datetime = instant()
    sent_at: datetime | None = instant(nullable=True, default=None)


class EmailTemplate(SQLModel, table=True):
    """What an organization writes in mails of a kind and a language, in the place of the default.

    All three are templates that were checked before they were stored.
    """

    __tablename__ = "email_template"
    __table_args__ = (
        CheckConstraint("kind IN ('invoice', 'credit_note', 'reminder')", name="kind"),
        CheckConstraint("language IN ('en', 'de', 'fr', 'es', 'ja')", name="language"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    kind: str = Field(primary_key=True, sa_type=Text)
    language: str = Field(primary_key=True, sa_type=Text)
    subject: str = words()
    text: str = words()
    html: str = words()
    updated_at: datetime = instant()
