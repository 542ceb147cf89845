"""People who log in, and the sessions in which they do."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from models.base import Tenant, instant, reference, words


class User(Tenant, table=True):
    """A person of an organization, which the API calls a member.

    The email is unique among those who are not removed, everywhere, in any case of letters. Whoever
    is removed stays as a row, so that the audit log can say who did what. That some member of an
    organization stays its owner is the trigger ``keep_last_owner`` (migration 0039).
    """

    __tablename__ = "app_user"
    __table_args__ = (
        CheckConstraint(
            "role IN ('owner', 'admin', 'billing', 'developer', 'read_only')",
            name="role",
        ),
        Index(
            "uq_app_user_email",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
    )

    email: str = words()
    password_hash: str = words()
    role: str = words()
    created_at: datetime = instant()
    removed_at: datetime | None = instant(nullable=True, default=None)


class UserSession(Tenant, table=True):
    """One login, kept alive by refresh tokens of which only the newest is good.

    All its refresh tokens begin with one secret, the family, of which ``family_hash`` is the hash.
    A token of the family that is not the newest was used before, and ends the session.
    """

    __tablename__ = "user_session"
    __table_args__ = (
        reference("user_id", "app_user"),
        UniqueConstraint("family_hash", name="uq_user_session_family_hash"),
        Index("ix_user_session_user", "organization_id", "user_id"),
    )

    user_id: UUID
    family_hash: str = words()
    refresh_hash: str = words()
    created_at: datetime = instant()
    expires_at: datetime = instant()
    revoked_at: datetime | None = instant(nullable=True, default=None)
    last_seen_at: datetime | None = instant(nullable=True, default=None)
    """When it was renewed last; null in sessions that are older than this column."""
    address: str | None = words(nullable=True, default=None)
    """Where it was opened from, or renewed last."""
    user_agent: str | None = words(nullable=True, default=None)


class LoginFailures(SQLModel, table=True):
    """When logins of an account failed, until one succeeds or ``forget_at`` has passed.

    The account is named by the hash of its email, known or not, before its organization is: the
    table belongs to no organization and tells nothing about any. Those from an address that the
    account knows count by themselves, under a hash of both.
    """

    __tablename__ = "login_failures"
    __table_args__ = (Index("ix_login_failures_forget_at", "forget_at"),)

    account_hash: str = Field(primary_key=True, sa_type=Text)
    failed_at: list[datetime] = Field(
        sa_column=Column(ARRAY(DateTime(timezone=True)), nullable=False)
    )
    forget_at: datetime = instant()


class LoginAddress(SQLModel, table=True):
    """That somebody logged in to an account from an address, both by their hashes.

    Whoever fails to log in from elsewhere locks nobody out here (decision 0054). As login failures
    it belongs to no organization and tells nothing about any.
    """

    __tablename__ = "login_address"
    __table_args__ = (Index("ix_login_address_forget_at", "forget_at"),)

    account_hash: str = Field(primary_key=True, sa_type=Text)
    address_hash: str = Field(primary_key=True, sa_type=Text)
    forget_at: datetime = instant()
