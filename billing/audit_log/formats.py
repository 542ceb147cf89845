"""Entries of the audit log as text: lines of JSON, which can be verified, and rows of CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final

from billing.audit_log.chain import Link, Recorded, describe_entry
from billing.invoicing.receipts import Document
from billing.texts.tables import without_formula, write_row

COLUMNS: Final = (
    *("position", "at", "actor", "action", "object_type", "object_id", "before", "after"),
    *("request_id", "id", "organization_id", "previous_digest", "digest"),
)


class AuditFormat(StrEnum):
    """How the log is written: for scripts and verification, or for spreadsheets."""

    NDJSON = "ndjson"
    CSV = "csv"


def begin(language: AuditFormat) -> str:
    """What stands before all entries."""
    return write_row(COLUMNS) if language is AuditFormat.CSV else ""


def write(language: AuditFormat, links: Iterable[Link]) -> str:
    """The entries in the order of their places; one that is gone leaves a gap.

    An entry that holds what was never written, such as a fraction, is written as it is found.
    """
    write_one = _WRITERS[language]
    return "".join(write_one(_describe(one)) for one in links if one.entry is not None)


def _describe(link: Link) -> dict[str, Document]:
    assert link.entry is not None
    entry: Recorded = link.entry
    try:
        described = describe_entry(
            entry, position=link.position, previous_digest=link.previous_digest
        )
    except TypeError:
        found: dict[str, Document] = {name: str(getattr(entry, name)) for name in COLUMNS[1:-2]}
        place = {"position": link.position, "previous_digest": link.previous_digest}
        return {**found, **place, "digest": link.digest}
    return {**described, "digest": link.digest}


def _write_line(entry: Mapping[str, Document]) -> str:
    return _compact(entry) + "\n"


def _write_row(entry: Mapping[str, Document]) -> str:
    return write_row([_cell(entry[name]) for name in COLUMNS])


def _cell(value: Document) -> str:
    match value:
        case None:
            return ""
        case str():
            return without_formula(value)
        case _:
            return _compact(value)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_WRITERS: Final[Mapping[AuditFormat, Callable[[Mapping[str, Document]], str]]] = {
    AuditFormat.NDJSON: _write_line,
    AuditFormat.CSV: _write_row,
}
