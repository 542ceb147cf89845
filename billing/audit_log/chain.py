"""The chain of the audit log: what binds an entry to the one before it, and what can be wrong.

An entry's digest is the SHA-256 of its canonical bytes (:mod:`billing.invoicing.receipts`), its
position and the digest of the entry before it among them. So no entry can be changed, taken out,
put in or moved without changing every digest behind it, and whoever keeps one digest elsewhere
knows all entries up to it. ``docs/verify/audit.py`` says the same without this program; a test
compares both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

from billing.invoicing.receipts import Document, canonical_document, digest


class Recorded(Protocol):
    """What the log says of one change."""

    organization_id: UUID
    id: UUID
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: UUID | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A place in a chain: how many entries are bound up to it, and the digest of the last one."""

    position: int
    digest: str | None


BEGINNING: Final = Head(position=0, digest=None)
"""Before the first entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One place of a chain as it is stored, with the entry that stands there, if it still does."""

    position: int
    entry_id: UUID
    previous_digest: str | None
    digest: str
    entry: Recorded | None


class Fault(StrEnum):
    """What is wrong with a chain."""

    GAP = "gap"
    ENTRY_MISSING = "entry_missing"
    CONTENT_CHANGED = "content_changed"
    PREVIOUS_DIFFERS = "previous_differs"
    HEAD_DIFFERS = "head_differs"
    TAIL_CUT = "tail_cut"
    UNLINKED = "unlinked"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLink:
    """The first place where a chain does not hold; no position where an entry has none."""

    fault: Fault
    position: int | None
    entry_id: UUID | None
    detail: str


def describe_entry(
    entry: Recorded, *, position: int, previous_digest: str | None
) -> dict[str, Document]:
    """An entry at its place, as it is bound and exported: text, whole numbers, flags and null.

    Raises TypeError for an entry that holds anything else, such as a fraction: none was written.
    """
    values: dict[str, object] = {
        "organization_id": entry.organization_id,
        "position": position,
        "previous_digest": previous_digest,
        "id": entry.id,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "object_type": entry.object_type,
        "object_id": entry.object_id,
        "before": _plain(entry.before),
        "after": _plain(entry.after),
        "request_id": entry.request_id,
    }
    return {name: canonical_document(value) for name, value in values.items()}


def link_entry(entry: Recorded, before: Head) -> Head:
    """Where the chain ends once an entry is bound to what is before it."""
    position = before.position + 1
    content = describe_entry(entry, position=position, previous_digest=before.digest)
    return Head(position=position, digest=digest(content))


def find_break(link: Link, before: Head, kept: Iterable[Head] = ()) -> BrokenLink | None:
    """What is wrong with a link that stands behind ``before``, None if it holds.

    ``kept`` are heads that somebody wrote down: a history that was written anew and fits together
    differs from them.
    """
    wanted = before.position + 1
    if link.position != wanted:
        detail = f"Position {wanted} is gone; {link.position} follows {before.position}."
        return BrokenLink(fault=Fault.GAP, position=wanted, entry_id=None, detail=detail)
    if link.entry is None:
        return _broken(link, Fault.ENTRY_MISSING, "The entry is gone.")
    if link.digest != _digest_of(link, link.entry):
        return _broken(link, Fault.CONTENT_CHANGED, "The entry is not what its digest is of.")
    if link.previous_digest != before.digest:
        detail = f"It is bound to {link.previous_digest}, and {before.digest} is before it."
        return _broken(link, Fault.PREVIOUS_DIFFERS, detail)
    return find_difference(Head(position=link.position, digest=link.digest), kept)


def find_difference(head: Head, kept: Iterable[Head]) -> BrokenLink | None:
    """Whether a place of the chain is another than was written down for it."""
    for one in kept:
        if one.position == head.position and one.digest != head.digest:
            return BrokenLink(
                fault=Fault.HEAD_DIFFERS,
                position=head.position,
                entry_id=None,
                detail=f"The digest is {head.digest}, and {one.digest} was kept.",
            )
    return None


def find_cut(last: Head, kept: Iterable[Head]) -> BrokenLink | None:
    """Whether a chain ends at ``last`` before a place that was written down."""
    known = max((one.position for one in kept), default=0)
    if known <= last.position:
        return None
    return BrokenLink(
        fault=Fault.TAIL_CUT,
        position=last.position + 1,
        entry_id=None,
        detail=f"The chain ends at {last.position}, and had come to {known}.",
    )


def _broken(link: Link, fault: Fault, detail: str) -> BrokenLink:
    return BrokenLink(fault=fault, position=link.position, entry_id=link.entry_id, detail=detail)


def _digest_of(link: Link, entry: Recorded) -> str | None:
    try:
        content = describe_entry(
            entry, position=link.position, previous_digest=link.previous_digest
        )
    except TypeError:
        return None
    return digest(content)


def _plain(value: object) -> object:
    """The value, if it is made of what the log writes. Raises TypeError."""
    match value:
        case None | bool():
            return value
        case int():
            return int(value)
        case str():
            return str(value)
        case list():
            return [_plain(one) for one in value]
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case _:
            raise TypeError(f"No entry holds a {type(value).__name__}.")
