"""Files of usage events: CSV or NDJSON, plain or gzip, read row by row."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NoReturn

from cli.output import refuse

Row = dict[str, Any]

FIELDS = frozenset(
    {
        "meter_token",
        "meter_id",
        "meter_name",
        "customer_external_id",
        "customer_id",
        "quantity",
        "timestamp",
        "idempotency_key",
    }
)
FREE_FORM = ("properties.", "metadata.", "meta_data.")
REJECTED = "rejected"
"""Under this name rejected rows say why they were; it is no part of the event."""
MAGIC_OF_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is not taken."""

    code: str
    detail: str


@dataclass(slots=True, kw_only=True)
class EventRow:
    """A row of a file: its number, counted from 1, and the event that it is.

    ``rejection`` is what an earlier import wrote beside it; ``text`` is what stood there if it
    could not be read. ``columns`` are those of a table, without what was written beside.
    """

    number: int
    event: Row = field(default_factory=dict)
    rejection: Mapping[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    text: str = ""
    columns: Sequence[str] = ()
    bytes_read: int = 0


@dataclass(frozen=True, slots=True)
class EventFile:
    """A file of events. ``digest`` names its content, so that a changed file is another one."""

    path: Path
    digest: str
    size: int

    @property
    def is_table(self) -> bool:
        """Whether it is CSV, else it is NDJSON."""
        names = [suffix.lower() for suffix in self.path.suffixes if suffix.lower() != ".gz"]
        return bool(names) and names[-1] == ".csv"

    def rows(self) -> Iterator[EventRow]:
        """Every row, one at a time. Raises Refusal where the file cannot be read any further."""
        number = 0
        try:
            with self._open() as (raw, text):
                for row in _read_table(text) if self.is_table else _read_lines(text):
                    number = row.number
                    row.bytes_read = raw.tell()
                    yield _find_unmended(row)
        except (UnicodeDecodeError, csv.Error, EOFError, OSError) as error:
            refuse(f"{self.path} cannot be read after row {number}: {error}.")

    @contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], IO[str]]]:
        with self.path.open("rb") as raw:
            is_packed = raw.read(2) == MAGIC_OF_GZIP
            raw.seek(0)
            content: Any = gzip.GzipFile(fileobj=raw) if is_packed else raw
            yield raw, io.TextIOWrapper(content, encoding="utf-8-sig", newline="")


def open_events(path: Path, watch: Callable[[int], None]) -> EventFile:
    """The file, fingerprinted; ``watch`` hears of the bytes read. Raises Refusal."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                watch(len(block))
        return EventFile(path, digest.hexdigest(), path.stat().st_size)
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}.")


def _find_unmended(row: EventRow) -> EventRow:
    """A row that was unreadable, and has nothing beside its old text yet, still is."""
    text = row.rejection.get("text")
    if row.problem is None and text and not row.event:
        row.text = str(text)
        row.problem = Problem("unreadable", "not mended yet: write the event into the row")
    return row


def _read_lines(text: IO[str]) -> Iterator[EventRow]:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        row = EventRow(number=number)
        event: object = None
        try:
            event = _read_json(line)
        except (ValueError, RecursionError) as error:
            row.problem = Problem("unreadable", f"not JSON: {error}")
        if isinstance(event, dict):
            rejection = event.pop(REJECTED, None)
            row.event = event
            row.rejection = rejection if isinstance(rejection, dict) else {}
        else:
            row.text = line.rstrip("\r\n")
            row.problem = row.problem or Problem("unreadable", "not a JSON object")
        yield row


def _read_json(line: str) -> object:
    read = json.loads(
        line, parse_float=Decimal, parse_int=_read_integer, parse_constant=_refuse_constant
    )
    if "\\ud" in line.lower():
        # Halves of characters are no text; encoding them tells.
        json.dumps(read, default=str, ensure_ascii=False).encode()
    return read


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _read_integer(digits: str) -> int | Decimal:
    # Integers beyond 64 bits encode as decimals only.
    return int(digits) if len(digits) < 19 else Decimal(digits)


def _read_table(text: IO[str]) -> Iterator[EventRow]:
    reader = csv.reader(text, strict=True)
    names = next(reader, [])
    _require_known(names)
    beside = f"{REJECTED}."
    columns = [name for name in names if not name.startswith(beside)]
    number = 1
    for cells in reader:
        if not cells:
            continue
        number += 1
        row = EventRow(number=number, columns=columns)
        if len(cells) == len(names):
            values = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
            row.event = _to_event({name: values[name] for name in columns if name in values})
            row.rejection = {
                name.removeprefix(beside): cell
                for name, cell in values.items()
                if name.startswith(beside)
            }
        else:
            row.text = write_cells(cells).rstrip("\r\n")
            expected = f"{len(cells)} columns instead of {len(names)}"
            row.problem = Problem("unreadable", expected)
        yield row


def write_cells(cells: Sequence[str]) -> str:
    """A line of CSV."""
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _require_known(names: Sequence[str]) -> None:
    known = (*FREE_FORM, f"{REJECTED}.")
    for name in names:
        if name not in FIELDS and not name.startswith(known):
            refuse(
                f"Unknown column {name!r}. There are {', '.join(sorted(FIELDS))}"
                " and properties.<name>: rename the column in the first line, or leave it out."
            )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        refuse(f"The first line names the column {twice[0]!r} twice. Leave one of them out.")


def _to_event(values: Mapping[str, str]) -> Row:
    event: Row = {}
    for name, value in values.items():
        prefix, dot, key = name.partition(".")
        if dot:
            event.setdefault(prefix, {})[key] = value
        else:
            event[name] = value
    return event
