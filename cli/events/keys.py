"""Keys of imported rows, out of what they say: importing them again adds nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import msgspec

from billing.errors import InvalidInput
from billing.invoicing.receipts import instant_text
from billing.money import parse_decimal, plain_text
from billing.periods import to_instant
from cli.events.files import EventRow, Problem, Row

KEPT_IN_MEMORY_KIB = 64 * 1024

_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


class Ordinals:
    """How often each content has occurred: at most 64 MiB in memory, the rest in a nameless file.

    SQLite makes it where temporary files lie and removes it with the connection.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        for statement in (
            f"PRAGMA cache_size = -{KEPT_IN_MEMORY_KIB}",
            "PRAGMA journal_mode = OFF",
            "CREATE TABLE seen (digest BLOB PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID",
            # One transaction for all: nothing of it is to last.
            "BEGIN",
        ):
            connection.execute(statement)

    def next(self, digest: bytes) -> int:
        """Which occurrence this is, counted from 1."""
        found = self._connection.execute("SELECT times FROM seen WHERE digest = ?", (digest,))
        times = 1 + next(found, (0,))[0]
        self._connection.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (digest, times))
        return int(times)


@contextmanager
def open_ordinals() -> Iterator[Ordinals]:
    """Ordinals for one reading of a file."""
    # The empty name is that of a database on disk that ends with its connection.
    with closing(sqlite3.connect("", isolation_level=None)) as connection:
        yield Ordinals(connection)


def identify(
    rows: Iterable[EventRow], ordinals: Ordinals, *, timezone: str | None
) -> Iterator[tuple[EventRow, Row]]:
    """Every row with the event to send, whose timestamp has a zone and which has a key.

    A key is made of the row's content and its ordinal among equal rows, never of the file: so the
    order of the rows, or more of them, change no key. Rows with a problem send nothing. Source:
    CONTRACT 99.
    """
    for row in rows:
        event = dict(row.event)
        if row.problem is None:
            row.problem = _place_in_time(event, timezone)
        if row.problem is None and event.get("idempotency_key") is None:
            event["idempotency_key"] = _make_key(row, event, ordinals)
        yield row, event


def _place_in_time(event: Row, timezone: str | None) -> Problem | None:
    """The timestamp has a zone, or the problem that it has none."""
    local = _read_instant(event.get("timestamp"))
    if local is None or local.tzinfo is not None:
        # What is no timestamp at all is refused by the API, in the API's words.
        return None
    if timezone is None:
        return Problem("timestamp_without_zone", "The timestamp says no zone.")
    try:
        event["timestamp"] = instant_text(to_instant(local, timezone))
    except InvalidInput as error:
        return Problem(error.code, error.detail)
    return None


def _make_key(row: EventRow, event: Row, ordinals: Ordinals) -> str:
    digest = blake2b(_encode(_content_of(event)), digest_size=16)
    prefix = f"import:{digest.hexdigest()}:"
    # A rejected row that was not changed keeps its place among the equal rows of its first file.
    former = row.rejection.get("key")
    if isinstance(former, str) and former.startswith(prefix):
        return former
    return f"{prefix}{ordinals.next(digest.digest())}"


def _content_of(event: Row) -> Row:
    """What the event says, in one wording: 5 is 5.0, and an instant is the same in every zone."""
    content: dict[str, Any] = {name: value for name, value in event.items() if value is not None}
    content.pop("idempotency_key", None)
    instant = _read_instant(content.get("timestamp"))
    if instant is not None:
        content["timestamp"] = _in_utc(instant)
    if "quantity" in content:
        content["quantity"] = _one_wording(content["quantity"])
    return content


def _read_instant(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _in_utc(instant: datetime) -> str:
    try:
        return instant_text(instant.astimezone(UTC))
    except OverflowError:
        return instant.isoformat()


def _one_wording(quantity: object) -> object:
    try:
        return plain_text(parse_decimal(quantity, field="quantity"))
    except InvalidInput:
        return quantity
