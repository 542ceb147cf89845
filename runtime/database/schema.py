"""Whether a database's schema is the one that this program was written for."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session

import migrations

REVISIONS = Path(migrations.__file__).parent / "versions"


@cache
def newest_revision() -> str:
    """The newest revision that this program knows: files of revisions begin with their number.

    Alembic would say so as well, but takes four megabytes of every process that asks.
    """
    return max(path.name for path in REVISIONS.glob("[0-9]*.py")).partition("_")[0]


def is_current(session: Session) -> bool:
    """Whether the database's schema is at the newest revision that this program knows."""
    return present_revision(session) == newest_revision()


def present_revision(session: Session) -> str | None:
    """The newest revision of the database's schema; None if it is to get its first one yet."""
    found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
    return found
