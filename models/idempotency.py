"""Answers kept for requests that carry an Idempotency-Key (CONTRACT 5)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from models.base import instant, words


class IdempotencyRequest(SQLModel, table=True):
    """One keyed request that was answered. Written in the transaction of its effect.

    A request that still runs, failed or was cut off by a crash has no row, so it can be repeated;
    or one of status 102, whose body says what the repeat means (docs/decisions/0020).
    """

    __tablename__ = "idempotency_request"
    __table_args__ = (Index("ix_idempotency_request_created_at", "organization_id", "created_at"),)

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    method: str = Field(primary_key=True, sa_type=Text)
    path: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    fingerprint: str = words()
    status: int
    body: str = words()
    created_at: datetime = instant()
