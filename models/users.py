"""People who log in, and the sessions in which they do."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text

from models.base import Tenant, instant, reference, words


class User(Tenant, table=True):
    """A person of an organization. The email is unique everywhere, in any case of letters."""

    __tablename__ = "app_user"
    __table_args__ = (
        CheckConstraint(
            "role IN ('owner', 'admin', 'billing', 'developer', 'read_only')",
            name="role",
        ),
        Index("uq_app_user_email", text("lower(email)"), unique=True),
    )

    email: str = words()
    password_hash: str = words()
    role: str = words()
    created_at: datetime = instant()


class UserSession(Tenant, table=True):
    """One login, kept alive by refresh tokens of which only the newest is good.

    ``previous_hash`` recognizes a refresh token that was used before, which ends the session.
    """

    __tablename__ = "user_session"
    __table_args__ = (
        reference("user_id", "app_user"),
        UniqueConstraint("refresh_hash", name="uq_user_session_refresh_hash"),
        Index("ix_user_session_previous_hash", "previous_hash"),
        Index("ix_user_session_user", "organization_id", "user_id"),
    )

    user_id: UUID
    refresh_hash: str = words()
    previous_hash: str | None = words(nullable=True, default=None)
    created_at: datetime = instant()
    expires_at: datetime = instant()
    revoked_at: datetime | None = instant(nullable=True, default=None)
