"""Finds the tables that a page of documentation promises to be true.

A table counts if ``<!-- check: name -->`` stands before it. The nearest JSON block above it on the
page, if there is one, goes along.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGES: Final = Path(__file__).parents[2] / "docs" / "concepts"
_MARK: Final = re.compile(r"<!-- check: (.+) -->")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a checked table: its cells by the table's headings."""

    check: str
    place: str
    cells: dict[str, str]
    json_above: str | None


def read_rows(pages: Path = PAGES) -> list[Row]:
    """Give every row of every checked table of these pages."""
    return [row for page in sorted(pages.glob("*.md")) for row in _rows_of(page)]


def _rows_of(page: Path) -> Iterator[Row]:
    check: str | None = None
    headings: list[str] = []
    json_above: str | None = None
    fenced: list[str] | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("```"):
            json_above = json_above if fenced is None else "\n".join(fenced)
            fenced = [] if fenced is None else None
        elif fenced is not None:
            fenced.append(line)
        elif mark := _MARK.fullmatch(line):
            check, headings = mark[1], []
        elif line.startswith("|") and check is not None:
            cells = _cells(line)
            if not headings:
                headings = cells
            elif not all(set(cell) <= set("-:") and cell for cell in cells):
                yield Row(
                    check=check,
                    place=f"{page.name}:{number}",
                    cells=dict(zip(headings, cells, strict=True)),
                    json_above=json_above,
                )
        elif line.strip():
            check = None


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
