"""Test clocks: time that customers of a test live on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index

from models.base import Tenant, instant, words


class TestClock(Tenant, table=True):
    """A clock that stands at ``frozen_time`` unless it advances to ``target_time``."""

    __tablename__ = "test_clock"
    __table_args__ = (
        CheckConstraint("target_time >= frozen_time", name="target_time"),
        Index("ix_test_clock_created", "organization_id", "created_at", "id"),
    )

    name: str = words()
    frozen_time: datetime = instant()
    target_time: datetime | None = instant(nullable=True, default=None)
    created_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)
