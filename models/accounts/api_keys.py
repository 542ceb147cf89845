"""API keys: how backends authenticate. Only the hash of a key is stored."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from models.base import Tenant, instant, words


class KeyStatus(StrEnum):
    """Whether a key opens anything."""

    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


class ApiKey(Tenant, table=True):
    """A key with its scopes. ``key_hash`` is the SHA-256 of the whole key, in hex."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint("status IN ('ACTIVE', 'REVOKED')", name="status"),
        CheckConstraint("(status = 'REVOKED') = (revoked_at IS NOT NULL)", name="revoked_at"),
        UniqueConstraint("key_hash", name="uq_api_key_hash"),
    )

    name: str = words()
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    key_hash: str = words()
    prefix: str = words()
    last_four: str = words()
    status: str = words(default=KeyStatus.ACTIVE)
    created_at: datetime = instant()
    last_used_at: datetime | None = instant(nullable=True, default=None)
    revoked_at: datetime | None = instant(nullable=True, default=None)
