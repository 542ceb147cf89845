"""The text of statements as the driver gets it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql

_GAPS: Final = re.compile(r"\s+(?:--.*\s*)*")
"""What separates words: spaces, line ends, and comments until theirs."""


def compact(statement: str) -> str:
    """The statement in one line and without comments, which stand on lines of their own.

    The driver reads a text of more than 4,096 characters anew each time; a shorter one it knows.
    """
    return _GAPS.sub(" ", statement).strip()


def insert_of_rows(metadata: MetaData, table: str) -> str:
    """What stores rows of a table, however many ``:rows`` holds as :func:`written_rows`.

    All columns of the table are named, so that none is forgotten.
    """
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # untyped there
    kinds = {
        name: column.type.compile(dialect)
        for name, column in metadata.tables[table].columns.items()
    }
    names = ", ".join(kinds)
    typed = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
    return (
        f"INSERT INTO {table} ({names}) SELECT {names}"  # noqa: S608  (names of our tables)
        f" FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS written ({typed})"
    )


def written_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows, each by the names of its columns; numbers are text, so that none loses a digit."""
    return json.dumps([*rows], default=str)
