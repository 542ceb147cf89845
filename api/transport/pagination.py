"""Pages of lists, in the documented envelope (CONTRACT 4, 62)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query

from billing.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which page of how many items; pages count from 1."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many items lie before the page."""
        return (self.number - 1) * self.size


async def get_page(
    page: Annotated[int, Query(ge=1, le=1_000_000, description="Counted from 1.")] = 1,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Page:
    """The page that the query asks for."""
    return Page(number=page, size=page_size)


PageDep = Annotated[Page, Depends(get_page)]


def envelope(items: Sequence[Any], page: Page, total: int) -> dict[str, Any]:
    """The items of a page with where they stand in the whole list."""
    return {"data": list(items), "meta": place_of(page, total)}


def place_of(page: Page, total: int) -> dict[str, int]:
    """Where a page stands in a list of so many items."""
    return {
        "page": page.number,
        "page_size": page.size,
        "total": total,
        "total_pages": -(-total // page.size),
    }


MOST_ITEMS = 2**31 - 1
COUNTED_AT_MOST = 10_000
"""Append-only lists say how long they are up to here (CONTRACT 77)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRange:
    """Which part of an append-only list: what follows an item, or a page.

    ``after`` is the instant and the id of the last item of the part before.
    """

    page: Page
    after: tuple[datetime, UUID] | None

    @property
    def offset(self) -> int:
        """How many items to leave out: none when ``after`` says where to go on."""
        return 0 if self.after else self.page.offset


async def get_list_range(
    page: PageDep,
    cursor: Annotated[
        str | None, Query(max_length=200, description="``meta.next_cursor`` of the part before.")
    ] = None,
) -> ListRange:
    """The part that the query asks for. Raises InvalidInput ``invalid_cursor``."""
    return ListRange(page=page, after=None if cursor is None else read_cursor(cursor))


ListRangeDep = Annotated[ListRange, Depends(get_list_range)]


def list_range_envelope(
    items: Sequence[Any], list_range: ListRange, total: int, last: tuple[datetime, UUID] | None
) -> dict[str, Any]:
    """The items with the cursor to go on with; ``last`` is None where the list ends.

    ``total`` was counted to one more than is told.
    """
    return {"data": list(items), "meta": place_in_range(list_range, total, last)}


def place_in_range(
    list_range: ListRange, total: int, last: tuple[datetime, UUID] | None
) -> dict[str, Any]:
    """Where a part stands in a list, as :func:`list_range_envelope` tells it."""
    known = total if total <= COUNTED_AT_MOST else None
    return {
        "page": list_range.page.number,
        "page_size": list_range.page.size,
        "total": known,
        "total_pages": None if known is None else -(-known // list_range.page.size),
        "next_cursor": None if last is None else write_cursor(*last),
    }


def write_cursor(at: datetime, identifier: UUID) -> str:
    """The place behind an item, in a form that says nothing to callers."""
    microseconds = (at - EPOCH) // timedelta(microseconds=1)
    place = microseconds.to_bytes(8, "big", signed=True) + identifier.bytes
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def write_pair_cursor(first: UUID, second: UUID) -> str:
    """The place behind a pair of ids, in a form that says nothing to callers."""
    return base64.urlsafe_b64encode(first.bytes + second.bytes).decode().rstrip("=")


def read_pair_cursor(cursor: str) -> tuple[UUID, UUID]:
    """The place that such a cursor stands for. Raises InvalidInput ``invalid_cursor``."""
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return UUID(bytes=place[:16]), UUID(bytes=place[16:])
    except ValueError as error:
        raise _invalid_cursor() from error


def write_sequence_cursor(name: str, sequence: int) -> str:
    """The place behind an item that is numbered in a series, in a form that says nothing."""
    return base64.urlsafe_b64encode(f"{name}/{sequence}".encode()).decode().rstrip("=")


def read_sequence_cursor(cursor: str) -> tuple[str, int]:
    """The place that such a cursor stands for. Raises InvalidInput ``invalid_cursor``."""
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        name, _, sequence = place.decode("ascii").partition("/")
        return name, min(int(sequence), MOST_ITEMS)
    except ValueError as error:
        raise _invalid_cursor() from error


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """The place that a cursor stands for. Raises InvalidInput ``invalid_cursor``."""
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        microseconds = int.from_bytes(place[:8], "big", signed=True)
        return EPOCH + timedelta(microseconds=microseconds), UUID(bytes=place[8:])
    except (ValueError, OverflowError) as error:
        raise _invalid_cursor() from error


def _invalid_cursor() -> InvalidInput:
    return InvalidInput(
        "cursor is not one that a list gave.", code="invalid_cursor", field="cursor"
    )
