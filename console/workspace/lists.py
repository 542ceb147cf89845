"""Lists: one shape for all, with filters in the address, pages, and a file of what is listed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from billing.texts.tables import without_formula, write_row
from console.workspace.asking import Member, rows_of
from console.workspace.frame import Screen
from console.workspace.live.undoing import DONE
from console.workspace.values import Values

PAGE_SIZE: Final = 25
PAGE_OF_FILE: Final = 100
MOST_IN_FILE: Final = 10_000
CSV: Final = "csv"
PAGE: Final = "page"
CURSOR: Final = "cursor"
"""By which an address says where the list of a screen is; a second list has a name of its own."""

Row = Mapping[str, Any]
Cell = Callable[[Row, Values], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its head, what stands in a row of it, and what a file says there, if another thing.

    ``status`` shows the text as a state.
    """

    title: str
    cell: Cell
    raw: Callable[[Row], object] | None = None
    is_number: bool = False
    is_status: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A part of the address that narrows the list; with ``choices`` one of those.

    ``is_tab`` shows the choices above the list, one press each; ``is_day`` is a day or an instant.
    """

    name: str
    title: str
    choices: Sequence[str] = ()
    is_tab: bool = False
    is_day: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list of the API as a screen.

    ``link`` gives where a row leads, ``empty`` what to do first where nothing is listed. A list
    ``by_cursor`` knows no numbers of pages. ``offer`` is the form of what is done with a row.
    """

    title: str
    path: str
    columns: Sequence[Column]
    filters: Sequence[Filter] = ()
    link: Callable[[Row], str] | None = None
    empty: str = ""
    template: str = "list.html"
    fixed: Mapping[str, str] = field(default_factory=dict)
    offer: Callable[[Row], Mapping[str, Any]] | None = None
    by_cursor: bool = False

    async def show(self, member: Member) -> Screen | Response:
        """The page of the list that the address asks for, or the file of all of it."""
        asked = self._asked(member)
        if member.request.query_params.get("format") == CSV:
            # The first rows before anything is answered: what is refused is no half of a file.
            first = await member.get(self.path, **asked, page_size=PAGE_OF_FILE)
            return self._file(member, asked, first)
        turned = await turn(member, self.path, asked=asked, kept=asked, by_cursor=self.by_cursor)
        return Screen(
            template=self.template,
            title=self.title,
            values={
                "listing": self,
                "rows": turned.rows,
                "pages": turned,
                "file": f"?{urlencode({**asked, 'format': CSV})}",
                "tabs": self._tabs(asked),
                "is_filtered": asked.keys() != self.fixed.keys(),
            },
        )

    def _asked(self, member: Member) -> dict[str, str]:
        query = member.request.query_params
        named = {one.name: query[one.name].strip() for one in self.filters if query.get(one.name)}
        return {name: text for name, text in named.items() if text} | dict(self.fixed)

    def _tabs(self, asked: Mapping[str, str]) -> list[tuple[str, str, bool]]:
        """What a tab shows, empty for all, its address, and whether it is this one."""
        tab = next((one.name for one in self.filters if one.is_tab), "")
        choices = next((one.choices for one in self.filters if one.is_tab), ())
        others = {name: text for name, text in asked.items() if name not in {tab, *self.fixed}}
        every = [("", others), *((one, others | {tab: one}) for one in choices)] if tab else []
        return [(one, f"?{urlencode(query)}", asked.get(tab, "") == one) for one, query in every]

    def _file(self, member: Member, asked: Mapping[str, str], first: Row) -> Response:
        name = self.title.lower().replace(" ", "-")
        return StreamingResponse(
            self._written(member, asked, first),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
        )

    async def _written(
        self, member: Member, asked: Mapping[str, str], page: Row
    ) -> AsyncIterator[str]:
        """Exactly what is listed, page by page; no cell is a formula."""
        values = Values.of(member.organization)
        yield write_row([one.title for one in self.columns])
        for number in range(MOST_IN_FILE // PAGE_OF_FILE):
            for row in rows_of(page):
                yield write_row([_plain(one, row, values) for one in self.columns])
            after = _after(page["meta"])
            if after is None or number + 1 == MOST_IN_FILE // PAGE_OF_FILE:
                return
            page = await member.get(self.path, **asked, **after, page_size=PAGE_OF_FILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """A page of a list: its rows, where they stand, and the addresses of the pages beside it.

    ``answer`` is all that the API says, beside the rows too. ``first`` is where the list begins,
    None for one whose pages are counted.
    """

    answer: Row
    rows: Sequence[Row]
    meta: Row
    previous: str | None
    next: str | None
    first: str | None

    @property
    def is_all(self) -> bool:
        """Whether no row of the list is on another page."""
        return not (self.previous or self.next or self.first)


async def turn(
    member: Member,
    path: str,
    *,
    name: str = PAGE,
    asked: Mapping[str, str] | None = None,
    kept: Mapping[str, str] | None = None,
    page_size: int = PAGE_SIZE,
    by_cursor: bool = False,
) -> Turned:
    """The page of a list that the screen's address asks for under a name. Raises Refused.

    ``asked`` narrows the list. The addresses beside it keep what is ``kept``, by default all that
    the screen's says but where this list is, and what was done just now.
    """
    query = member.request.query_params
    cursor = query.get(CURSOR) if name == PAGE else None
    place = {CURSOR: cursor} if cursor else {} if by_cursor else {PAGE: query.get(name, "1")}
    page = await member.get(path, **(asked or {}), **place, page_size=page_size)
    if kept is None:
        own = {name, DONE} | ({CURSOR} if name == PAGE else set())
        kept = {one: text for one, text in query.items() if one not in own}
    meta = page["meta"]
    return Turned(
        answer=page,
        rows=rows_of(page),
        meta=meta,
        previous=_address(kept, name, _before(meta)),
        next=_address(kept, name, _after(meta)),
        first=f"?{urlencode(kept)}" if cursor else None,
    )


def _before(meta: Row) -> dict[str, str] | None:
    """Where the page before is, None before the first."""
    number = meta.get(PAGE) or 1
    return {PAGE: str(number - 1)} if number > 1 else None


def _after(meta: Row) -> dict[str, str] | None:
    """Where the next page is, None after the last; long lists know it by a cursor alone."""
    if meta.get("next_cursor"):
        return {CURSOR: str(meta["next_cursor"])}
    number, last = meta.get(PAGE), meta.get("total_pages")
    return {PAGE: str(number + 1)} if number and last and number < last else None


def _address(kept: Mapping[str, str], name: str, place: Mapping[str, str] | None) -> str | None:
    """The address of a page beside this one; None where there is none."""
    if place is None:
        return None
    named = {name if one == PAGE else one: text for one, text in place.items()}
    return f"?{urlencode({**kept, **named})}"


def _plain(column: Column, row: Row, values: Values) -> str:
    if column.raw is None:
        return without_formula(str(column.cell(row, values)))
    raw = column.raw(row)
    return "" if raw is None else without_formula(str(raw))
