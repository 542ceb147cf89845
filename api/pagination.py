"""Pages of lists, in the documented envelope (CONTRACT 4, 62)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which page of how many items; pages count from 1."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many items lie before the page."""
        return (self.number - 1) * self.size


def get_page(
    page: Annotated[int, Query(ge=1, le=1_000_000, description="Counted from 1.")] = 1,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Page:
    """The page that the query asks for."""
    return Page(number=page, size=page_size)


PageDep = Annotated[Page, Depends(get_page)]


def envelope(items: Sequence[Any], page: Page, total: int) -> dict[str, Any]:
    """The items of a page with where they stand in the whole list."""
    return {
        "data": list(items),
        "meta": {
            "page": page.number,
            "page_size": page.size,
            "total": total,
            "total_pages": -(-total // page.size),
        },
    }
