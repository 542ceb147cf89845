"""Second factors: an authenticator of a person, and codes for when it is lost."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Text
from sqlmodel import Field, SQLModel

from models.base import instant, reference, words


class TotpFactor(SQLModel, table=True):
    """The secret that a person's authenticator shares with us. It counts once it is confirmed.

    ``last_step`` is the newest time step of which a code was taken: none before it is again.
    """

    __tablename__ = "totp_factor"
    __table_args__ = (
        reference("user_id", "app_user"),
        CheckConstraint("last_step IS NULL OR confirmed_at IS NOT NULL", name="last_step"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    user_id: UUID = Field(primary_key=True)
    sealed_secret: str = words()
    created_at: datetime = instant()
    confirmed_at: datetime | None = instant(nullable=True, default=None)
    last_step: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))


class RecoveryCode(SQLModel, table=True):
    """A code that takes the place of an authenticator, once. Only its hash is kept."""

    __tablename__ = "recovery_code"
    __table_args__ = (
        reference("user_id", "app_user"),
        Index("ix_recovery_code_user", "organization_id", "user_id"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    code_hash: str = Field(primary_key=True, sa_type=Text)
    user_id: UUID
    created_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True, default=None)
