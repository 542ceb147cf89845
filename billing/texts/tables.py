"""Tables as text for spreadsheets: rows of cells, none of which is computed when it is opened."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Final

_FORMULA: Final = re.compile(r"^[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""Wide letters too: spreadsheets of East Asian locales read them as the narrow ones."""

_LINES: Final = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


def write_row(cells: Sequence[str]) -> str:
    """A row of CSV (RFC 4180), with its end."""
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def without_formula(cell: str) -> str:
    """A cell that no spreadsheet computes: what begins like a formula has a quote before it."""
    line = on_one_line(cell)
    return f"'{line}" if _FORMULA.match(line) else line


def on_one_line(words: str) -> str:
    """The words without line ends and other characters that steer."""
    return _LINES.sub(" ", words).strip()
