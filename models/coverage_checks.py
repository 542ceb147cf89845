"""What the last check of an organization found, so that looking at it costs nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import instant


class CoverageCheck(SQLModel, table=True):
    """The outcome of the newest check of coverage of one organization.

    ``findings`` are the first of ``total``, each with its kind, its words and the ids it is about.
    Bills that wait for people are not among them: those are read as they are now.
    """

    __tablename__ = "coverage_check"
    __table_args__ = (
        CheckConstraint("subscriptions >= 0 AND total >= 0", name="counts"),
        CheckConstraint("jsonb_typeof(findings) = 'array'", name="findings"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    checked_at: datetime = instant()
    subscriptions: int
    owners_checked: bool
    total: int
    findings: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
