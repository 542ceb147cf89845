"""What keys sent lately: told for a week, and emptied by a crash of the database."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from models.base import instant, new_id, words


class LoggedRequest(SQLModel, table=True):
    """Requests of a second that are alike: same key, method, path, status and problem.

    ``at``, ``milliseconds`` and ``request_id`` are those of the slowest of them, ``alike`` says how
    many there were. ``path`` has ids, and of what else stood in it the name alone; ``fields`` are
    the names of fields that were refused, with commas between.
    """

    __tablename__ = "logged_request"
    __table_args__ = (
        # Bounded in bytes by itself, whatever a caller sends.
        CheckConstraint("octet_length(method) <= 16", name="method"),
        CheckConstraint("octet_length(path) <= 400", name="path"),
        CheckConstraint("octet_length(code) <= 100", name="code"),
        CheckConstraint("octet_length(fields) <= 400", name="fields"),
        CheckConstraint("octet_length(request_id) <= 64", name="request_id"),
        CheckConstraint("alike > 0 AND milliseconds >= 0", name="counts"),
        Index("ix_logged_request_at", "organization_id", "at", "id"),
        # Nothing of it is written to the log of the database.
        {"prefixes": ["UNLOGGED"]},
    )

    # No foreign keys: they would lock rows that bills lock, for something that is gone in a week.
    organization_id: UUID = Field(primary_key=True)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = instant()
    api_key_id: UUID
    method: str = words()
    path: str = words()
    status: int
    code: str | None = words(nullable=True, default=None)
    fields: str | None = words(nullable=True, default=None)
    milliseconds: int
    request_id: str = words()
    alike: int
