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
        CheckConstraint("expires_at > created_at", name="expires_at"),
        # The cast fails where one is no address block.
        CheckConstraint(
            "cardinality(allowed_addresses) <= 50"
            " AND CAST(allowed_addresses AS cidr[]) IS NOT NULL",
            name="allowed_addresses",
        ),
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
    expires_at: datetime | None = instant(nullable=True, default=None)
    """From when it opens nothing; null if it does not end by itself."""
    allowed_addresses: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    """The blocks that it may be used from, such as ``192.0.2.0/24``; any address if empty."""
