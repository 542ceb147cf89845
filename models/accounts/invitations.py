"""Who is asked to join, and who may set a new password: links that are good once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from models.base import Tenant, instant, reference, words

ENDED = "accepted_at IS NOT NULL OR revoked_at IS NOT NULL"


class Invitation(Tenant, table=True):
    """That somebody may join with a role. The link's token is found by its hash.

    ``sealed_token`` is for the mail that brings the link, and is forgotten once it opens nothing.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        reference("invited_by", "app_user"),
        reference("user_id", "app_user"),
        UniqueConstraint("token_hash", name="uq_invitation_token_hash"),
        # One person is asked once at a time.
        Index(
            "uq_invitation_open",
            "organization_id",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
        CheckConstraint(
            "role IN ('owner', 'admin', 'billing', 'developer', 'read_only')", name="role"
        ),
        CheckConstraint("expires_at > created_at", name="expires_at"),
        CheckConstraint("(accepted_at IS NULL) = (user_id IS NULL)", name="accepted"),
        CheckConstraint("accepted_at IS NULL OR revoked_at IS NULL", name="ended_once"),
        CheckConstraint(f"sealed_token IS NULL OR NOT ({ENDED})", name="sealed_token"),
        CheckConstraint("sent_count >= 1", name="sent_count"),
    )

    email: str = words()
    role: str = words()
    token_hash: str = words()
    sealed_token: str | None = words(nullable=True, default=None)
    invited_by: UUID
    created_at: datetime = instant()
    expires_at: datetime = instant()
    sent_count: int = 1
    """How often a link was made; each makes the one before worthless."""
    accepted_at: datetime | None = instant(nullable=True, default=None)
    user_id: UUID | None = Field(default=None)
    """Who accepted it."""
    revoked_at: datetime | None = instant(nullable=True, default=None)


class PasswordReset(Tenant, table=True):
    """That whoever has the link may set a person's password, once.

    It ends when it is used, or when another way to a new password is taken first.
    """

    __tablename__ = "password_reset"
    __table_args__ = (
        reference("user_id", "app_user"),
        UniqueConstraint("token_hash", name="uq_password_reset_token_hash"),
        Index("ix_password_reset_user", "organization_id", "user_id", "created_at"),
        CheckConstraint("expires_at > created_at", name="expires_at"),
        CheckConstraint("sealed_token IS NULL OR ended_at IS NULL", name="sealed_token"),
    )

    user_id: UUID
    token_hash: str = words()
    sealed_token: str | None = words(nullable=True, default=None)
    created_at: datetime = instant()
    expires_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True, default=None)
