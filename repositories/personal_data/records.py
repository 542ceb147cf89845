"""Everything that is held about a customer, a page of a table at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from repositories.personal_data.whose import WHOSE

KINDS: Final = tuple(WHOSE)
"""In the order in which they are read: a customer comes first, what there is most of last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Some rows of a table as JSON, and the place behind the last of them."""

    rows: Sequence[str]
    place: Mapping[str, str] | None


def read_records(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    kind: str,
    *,
    after: Mapping[str, str] | None,
    limit: int,
) -> Records:
    """The rows of one kind that follow a place, in their order; ``place`` is None after the last.

    Amounts are exact, as PostgreSQL writes them.
    """
    held = WHOSE[kind]
    columns = ", ".join(f"held.{name}" for name in held.order)
    behind = ""
    if after is not None:
        # Compared as what they are: the row behind which they stand is read of their JSON.
        there = ", ".join(f"there.{name}" for name in held.order)
        place = f"jsonb_populate_record(CAST(NULL AS {kind}), CAST(:after AS jsonb)) AS there"
        behind = f"AND ({columns}) > (SELECT {there} FROM {place})"  # noqa: S608  (put together out of constants)
    place_of = ", ".join(f"'{name}', held.{name}" for name in held.order)
    statement = f"""
        SELECT CAST({held.record} AS text), CAST(jsonb_build_object({place_of}) AS text)
        FROM {kind} AS held WHERE {held.where} {behind} ORDER BY {columns} LIMIT :limit
    """  # noqa: S608  (put together out of constants)
    values: dict[str, object] = {
        "organization_id": organization_id,
        "customer_id": customer_id,
        "limit": limit,
    }
    if after is not None:
        values["after"] = json.dumps(after)
    found = session.execute(text(statement), values).all()
    last = json.loads(found[-1][1]) if len(found) == limit else None
    return Records(rows=[row[0] for row in found], place=last)
