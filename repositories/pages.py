"""Pages of rows, oldest first, as every list of the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import func
from sqlmodel import Session, select
from sqlmodel.sql.expression import SelectOfScalar

Row = TypeVar("Row")


def read_page(
    session: Session, matching: SelectOfScalar[Row], *, offset: int, limit: int
) -> tuple[Sequence[Row], int]:
    """The rows that match from ``offset`` on, by when they were created, and how many match."""
    total = session.exec(select(func.count()).select_from(matching.subquery())).one()
    columns = matching.selected_columns
    ordered = matching.order_by(columns["created_at"], columns["id"])
    return session.exec(ordered.offset(offset).limit(limit)).all(), total
