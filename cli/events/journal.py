"""What survives an interrupted import: how far it came, and the rows that were rejected."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cli.events.files import FREE_FORM, REJECTED, EventFile, EventRow, Problem, Row, write_cells

BESIDE = ("row", "code", "detail", "text", "key")
"""What is written beside a rejected row."""


@dataclass(slots=True)
class Tally:
    """How far an import has come. ``last_row`` counts in the file, from 1.

    ``reasons`` counts the rejected rows by code; ``undated_count`` counts the rows that have
    neither a timestamp nor a key of their own.
    """

    digest: str
    last_row: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejected_bytes: int = 0
    undated_count: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


class Journal:
    """How far an import came, and the rows that were rejected, as a file that can be imported.

    ``reading`` says how the file is read, such as in which zone: read otherwise it begins anew.
    """

    def __init__(self, source: EventFile, reading: str) -> None:
        path = source.path
        self._is_table = source.is_table
        self._progress = path.with_name(path.name + ".progress")
        kind = "csv" if source.is_table else "ndjson"
        self.rejected = path.with_name(f"{path.name}.{REJECTED}.{kind}")
        self.tally = Tally(f"{source.digest}:{reading}")

    def open(self) -> int:
        """Go on where an interrupted import of the same content was, else begin; gives the row."""
        try:
            former = Tally(**json.loads(self._progress.read_text()))
        except (OSError, ValueError, TypeError):
            former = self.tally
        if former.digest == self.tally.digest:
            self.tally = former
        self.rejected.touch()
        # What was written after the last save is written again.
        os.truncate(self.rejected, min(self.tally.rejected_bytes, self.rejected.stat().st_size))
        return self.tally.last_row

    def reject(self, row: EventRow, problem: Problem, key: str | None) -> None:
        """Keep a row that was not taken as it stood there, with the reason beside it."""
        beside = {
            "row": row.number,
            "code": problem.code,
            "detail": problem.detail,
            "text": row.text,
            "key": key if row.event.get("idempotency_key") is None else None,
        }
        lines = self._write_cells(row, beside) if self._is_table else _write_line(row, beside)
        with self.rejected.open("ab") as file:
            file.write(lines)
        self.tally.rejected += 1
        self.tally.rejected_bytes += len(lines)
        self.tally.reasons[problem.code] = self.tally.reasons.get(problem.code, 0) + 1

    def save(self, last_row: int) -> None:
        """Everything up to this row has been answered."""
        self.tally.last_row = last_row
        unfinished = self._progress.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(asdict(self.tally)))
        unfinished.rename(self._progress)

    def finish(self) -> None:
        """The whole file has been answered."""
        self._progress.unlink(missing_ok=True)
        if not self.tally.rejected:
            self.rejected.unlink(missing_ok=True)

    def _write_cells(self, row: EventRow, beside: Mapping[str, Any]) -> bytes:
        cells = [_cell_of(row.event, column) for column in row.columns]
        cells += ["" if beside[name] is None else str(beside[name]) for name in BESIDE]
        lines = write_cells(cells)
        if not self.tally.rejected_bytes:
            lines = write_cells([*row.columns, *(f"{REJECTED}.{one}" for one in BESIDE)]) + lines
        return lines.encode()


def encode(content: object) -> bytes:
    """JSON in which decimals keep their digits."""
    from msgspec.json import Encoder

    return Encoder(decimal_format="number").encode(content)


def _cell_of(event: Row, column: str) -> str:
    if not column.startswith(FREE_FORM):
        return str(event.get(column, ""))
    prefix, _, key = column.partition(".")
    return str(event.get(prefix, {}).get(key, ""))


def _write_line(row: EventRow, beside: Mapping[str, Any]) -> bytes:
    told = {name: value for name, value in beside.items() if value not in (None, "")}
    return encode({**row.event, REJECTED: told}) + b"\n"
