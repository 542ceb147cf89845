"""Answers kept for requests that carry an Idempotency-Key (CONTRACT 5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import instant, words


class IdempotencyRequest(SQLModel, table=True):
    """One keyed request. ``status`` is null while it still runs."""

    __tablename__ = "idempotency_request"
    __table_args__ = (Index("ix_idempotency_request_created_at", "created_at"),)

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    method: str = Field(primary_key=True, sa_type=Text)
    path: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    fingerprint: str = words()
    status: int | None = None
    body: str | None = words(nullable=True, default=None)
    headers: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    created_at: datetime = instant()
