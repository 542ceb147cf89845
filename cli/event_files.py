"""Files of usage events: CSV or NDJSON, plain or gzip, read row by row."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from cli.output import refuse

Row = dict[str, Any]
Read = Iterator[tuple[int, Row, str | None, str]]
"""Numbers, events, problems, and the text as it stood there."""

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
MAGIC_OF_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class NumberedRow:
    """A row with its number in the file, counted from 1, and how many bytes were read so far.

    ``problem`` says why it is no event; ``text`` is what stood there.
    """

    number: int
    event: Row
    bytes_read: int
    problem: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class EventFile:
    """A file of events. ``digest`` names its content, so that a changed file is another one."""

    path: Path
    digest: str
    size: int

    def rows(self) -> Iterator[NumberedRow]:
        """Every row; those without an idempotency key get one that says where they stood.

        So a second import of the same file stores nothing twice.
        """
        with self._open() as (raw, text):
            read = _read_csv if self._is_csv() else _read_lines
            for number, event, problem, line in self._readable(read(text)):
                if problem is None and event.get("idempotency_key") is None:
                    event["idempotency_key"] = f"import:{self.digest[:32]}:{number}"
                yield NumberedRow(number, event, raw.tell(), problem, line)

    def _readable(self, rows: Read) -> Read:
        number = 0
        try:
            for row in rows:
                number = row[0]
                yield row
        except (UnicodeDecodeError, csv.Error, EOFError, OSError) as error:
            refuse(f"{self.path} cannot be read after row {number}: {error}.")

    def _is_csv(self) -> bool:
        names = [suffix.lower() for suffix in self.path.suffixes if suffix.lower() != ".gz"]
        return bool(names) and names[-1] == ".csv"

    @contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], IO[str]]]:
        with self.path.open("rb") as raw:
            is_packed = raw.read(2) == MAGIC_OF_GZIP
            raw.seek(0)
            content: Any = gzip.GzipFile(fileobj=raw) if is_packed else raw
            yield raw, io.TextIOWrapper(content, encoding="utf-8-sig", newline="")


def open_events(path: Path) -> EventFile:
    """The file, fingerprinted. Raises Refusal if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return EventFile(path, digest.hexdigest(), path.stat().st_size)
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}.")


def _read_lines(text: IO[str]) -> Read:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        try:
            event = json.loads(line, parse_float=Decimal, parse_int=_read_integer)
        except ValueError as error:
            yield number, {}, f"not JSON: {error}", line.rstrip("\n")
            continue
        if isinstance(event, dict):
            yield number, event, None, line.rstrip("\n")
        else:
            yield number, {}, "not a JSON object", line.rstrip("\n")


def _read_integer(digits: str) -> int | Decimal:
    # Integers beyond 64 bits encode as decimals only.
    return int(digits) if len(digits) < 19 else Decimal(digits)


def _read_csv(text: IO[str]) -> Read:
    reader = csv.DictReader(text, strict=True)
    _require_known(reader.fieldnames or [])
    for number, row in enumerate(reader, start=2):
        line = json.dumps({str(name): value for name, value in row.items()})
        if None in row or None in row.values():
            yield number, {}, "another number of columns than the first line", line
            continue
        yield number, _to_event(row), None, line


def _require_known(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in FIELDS and not name.startswith(FREE_FORM)]
    if unknown:
        refuse(
            f"Unknown column {unknown[0]!r}. There are {', '.join(sorted(FIELDS))}"
            " and properties.<name>."
        )


def _to_event(row: Mapping[str, str]) -> Row:
    event: Row = {}
    for name, value in row.items():
        if value == "":
            continue
        prefix, dot, key = name.partition(".")
        if dot:
            event.setdefault(prefix, {})[key] = value
        else:
            event[name] = value
    return event
