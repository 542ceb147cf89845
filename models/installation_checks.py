"""What checks of the whole installation came to. Counts and instants alone: it is nobody's row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Text
from sqlmodel import Field, SQLModel

from models.base import document, instant


class InstallationCheck(SQLModel, table=True):
    """The newest outcome of one check over all organizations.

    ``findings`` is how many there are of each kind. ``begins_at`` is the instant since which
    ``examined`` and ``findings`` count: that of the check itself, or the beginning of the day.
    ``unchecked`` organizations could not be looked at.
    """

    __tablename__ = "installation_check"
    __table_args__ = (
        CheckConstraint("examined >= 0 AND unchecked >= 0", name="counts"),
        CheckConstraint("begins_at <= checked_at", name="begins_at"),
    )

    name: str = Field(primary_key=True, sa_type=Text)
    begins_at: datetime = instant()
    checked_at: datetime = instant()
    examined: int
    unchecked: int
    findings: dict[str, Any] = document()
