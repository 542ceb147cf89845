"""Lists on the wire: one envelope, ``data`` and ``meta`` (CONTRACT 4, 62, 77)."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field

from api.schemas.common import View
from api.schemas.described import component_name

Item = TypeVar("Item", bound=View)

NextCursor = Annotated[
    str | None,
    Field(description="What to send as `cursor` to get what follows; null where the list ends."),
]


class _Listing(View, Generic[Item]):
    """Items of a list."""

    data: list[Item]
    """The items, in the order that the operation names."""

    def __class_getitem__(cls, item: Any) -> Any:
        """``PageOf[InvoiceView]``, which is the component ``PageOfInvoices``."""
        kind: Any = super().__class_getitem__(item)
        if isinstance(item, type) and kind.__pydantic_generic_metadata__["args"]:
            kind.__qualname__ = f"{cls.__name__}{_plural(component_name(item))}"
            kind.__doc__ = cls.__doc__
            # What remembers that it is generic is named after its parts.
            kind.__pydantic_generic_metadata__ = {"origin": None, "args": (), "parameters": ()}
            kind.model_rebuild(force=True)
        return kind


class ListOf(_Listing[Item], Generic[Item]):
    """A whole list, which is never long."""


class PageMeta(View):
    """Where a page stands in the whole list."""

    page: int
    """Which page this is, counted from 1."""
    page_size: int
    """How many items a page has; the last one may have fewer."""
    total: int
    """How many items the whole list has."""
    total_pages: int
    """How many pages there are; 0 where nothing is listed."""


class PageOf(_Listing[Item], Generic[Item]):
    """A page of a list. One beyond the end is empty."""

    meta: PageMeta
    """Where the page stands in the whole list."""


class CursorPageMeta(View, like=(PageMeta,)):
    """Where a page stands in a list that only grows, and how it goes on."""

    page: int
    page_size: int
    total: int | None
    """How many items the whole list has; null above 10,000, where nobody counts."""
    total_pages: int | None
    """How many pages there are; null where nobody counts."""
    next_cursor: NextCursor


class CursorPageOf(_Listing[Item], Generic[Item]):
    """A page of a list that only grows. A cursor goes on where it ended, whatever is added."""

    meta: CursorPageMeta
    """Where the page stands in the whole list, and how it goes on."""


class PartMeta(View, like=(PageMeta,)):
    """How large a part of a list is, and how the list goes on."""

    page_size: int
    """How many items a part has at most."""
    next_cursor: NextCursor


class PartOf(_Listing[Item], Generic[Item]):
    """A part of a list that is read by cursor alone, whose length nobody counts."""

    meta: PartMeta
    """How large the part is, and how the list goes on."""


def _plural(name: str) -> str:
    ends_in_y = name.endswith("y") and name[-2] not in "aeiou"
    return f"{name[:-1]}ies" if ends_in_y else f"{name}s"
