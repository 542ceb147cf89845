"""Lists: iterate, and all pages are read, each when it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from fluxrate_client.exact import given
from fluxrate_client.transport import AsyncCaller, Call, Caller

_LARGEST = 100

T = TypeVar("T")


class Page(list[T]):
    """The items of one page; ``total`` counts those of all pages, where the API says it."""

    def __init__(self, answer: Any) -> None:
        super().__init__(answer.data)
        self.meta = answer.meta
        self.total: int | None = getattr(answer.meta, "total", None)


class _List(Generic[T]):
    def __init__(self, call: Call[Any]) -> None:
        query = given(call.query)
        self._call = replace(call, query={"page_size": _LARGEST, **query})

    def _after(self, call: Call[Any], page: Page[T]) -> Call[Any] | None:
        """What asks for the next page, by the cursor where the list has one."""
        following = _following(page.meta, call.query)
        return None if following is None else replace(call, query={**self._call.query, **following})


class Pages(_List[T]):
    """Every item of a list. ``first()`` is the first page alone, ``pages()`` are all of them."""

    def __init__(self, caller: Caller, call: Call[Any]) -> None:
        super().__init__(call)
        self._caller = caller

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page

    def first(self) -> Page[T]:
        """The first page."""
        return next(self.pages())

    def pages(self) -> Iterator[Page[T]]:
        """One page after another."""
        call: Call[Any] | None = self._call
        while call is not None:
            page: Page[T] = Page(self._caller.call(call))
            yield page
            call = self._after(call, page)


class AsyncPages(_List[T]):
    """The same for ``async for``."""

    def __init__(self, caller: AsyncCaller, call: Call[Any]) -> None:
        super().__init__(call)
        self._caller = caller

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page:
                yield item

    async def first(self) -> Page[T]:
        """The first page."""
        return await anext(self.pages())

    async def pages(self) -> AsyncIterator[Page[T]]:
        """One page after another."""
        call: Call[Any] | None = self._call
        while call is not None:
            page: Page[T] = Page(await self._caller.call(call))
            yield page
            call = self._after(call, page)


def _following(meta: Any, query: Mapping[str, Any]) -> dict[str, Any] | None:
    if hasattr(meta, "next_cursor"):
        return None if meta.next_cursor is None else {"cursor": meta.next_cursor}
    number = query.get("page", 1)
    return {"page": number + 1} if number < meta.total_pages else None
