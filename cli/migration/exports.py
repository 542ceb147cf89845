"""Files that other billing systems export: JSON, a JSON object a line, or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from cli.migration.wanted import Body, NoCounterpart
from cli.output import refuse

ENVELOPES = ("data", "items")
"""Under these names lists of APIs hold their elements."""


@dataclass(frozen=True, slots=True)
class Record:
    """An object of an export. ``collection`` names the list that it was in, if that had a name."""

    body: Body
    collection: str = ""


def read_exports(paths: Sequence[Path]) -> list[Record]:
    """Everything in the files. Raises Refusal for a file that cannot be read."""
    return [record for path in paths for record in _read(path)]


def _read(path: Path) -> Iterator[Record]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv":
            rows = csv.DictReader(text.splitlines(keepends=True))
            yield from (Record(dict(row), "csv") for row in rows)
        elif path.suffix.lower() in (".ndjson", ".jsonl"):
            for line in text.splitlines():
                if line.strip():
                    yield from _elements(_load(line))
        else:
            yield from _elements(_load(text))
    except (OSError, TypeError, ValueError, csv.Error) as error:
        refuse(f"{path} cannot be read: {error}.")


def _load(text: str) -> object:
    found: object = json.loads(text, parse_float=Decimal)
    error = _error_in(found) if isinstance(found, dict) else None
    if error is not None:
        raise ValueError(f"it is an answer of an error, {error.rstrip('.')}")
    return found


def _error_in(document: Body) -> str | None:
    """What an API says where it refuses, as each of them writes it; None of anything else."""
    if "error" in document and "object" not in document:
        said = document["error"]
        return str(said.get("message", said) if isinstance(said, dict) else said)
    is_problem = {"title", "status", "detail"} <= document.keys()
    return str(document["detail"]) if is_problem else None


def _elements(document: object, collection: str = "") -> Iterator[Record]:
    """The objects of a document: of a list, of an API's answer with a list, or the only one."""
    if isinstance(document, list):
        for one in document:
            yield from _elements(one, collection)
        return
    if not isinstance(document, dict):
        raise TypeError("it holds something that is no object")
    lists = {name: value for name, value in document.items() if isinstance(value, list)}
    for name in ENVELOPES:
        if name in lists:
            yield from _elements(lists[name], collection)
            return
    if len(lists) == 1 and set(document) <= {*lists, "meta"}:
        [(name, value)] = lists.items()
        yield from _elements(value, name)
        return
    yield Record(document, collection)


def instant(value: object) -> datetime:
    """An instant as exports write it: seconds of Unix, ISO 8601, or a time of UTC without a zone.

    Raises: NoCounterpart.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise NoCounterpart(f"{value!r} is no instant") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def after_last_second(end: datetime) -> datetime:
    """The begin of what follows, where an end is written as its last second (23:59:59)."""
    return end + timedelta(seconds=1) if end.second == 59 else end


def present(body: Body) -> Body:
    """The body without what is empty."""
    return {name: value for name, value in body.items() if value not in (None, "", [])}
