"""Lists that an API answers page by page: whether the files hold all pages of each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Pages = Sequence[tuple[Path, dict[str, Any]]]
"""Answers of APIs, each with the file that it is in."""


def missing_pages(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """The files whose list goes on in none of the files, each with what to do about it.

    Only what a page says of itself is known: tables, and objects one a line, say nothing.
    """
    pages = [(path, page) for path in paths for page in _page_in(path)]
    return [*_of_stripe(pages), *_of_lago(pages), *_of_openmeter(pages)]


def _page_in(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix.lower() == ".json":
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        if isinstance(document, dict):
            yield document


def _of_stripe(pages: Pages) -> Iterator[tuple[str, str]]:
    """Of a list whose pages all say ``has_more`` the last one is missing."""
    by_url: dict[str, list[tuple[Path, bool]]] = defaultdict(list)
    for path, page in pages:
        if "has_more" in page:
            by_url[page.get("url", str(path))].append((path, page["has_more"]))
    for found in by_url.values():
        if all(goes_on for _, goes_on in found):
            yield found[-1][0].name, "has_more is true: fetch what follows, by starting_after"


def _of_lago(pages: Pages) -> Iterator[tuple[str, str]]:
    """Pages have numbers, and say how many there are."""
    by_kind: dict[frozenset[str], list[tuple[Path, dict[str, Any]]]] = defaultdict(list)
    for path, page in pages:
        meta = page.get("meta")
        if isinstance(meta, dict) and {"current_page", "total_pages"} <= meta.keys():
            by_kind[frozenset(page)].append((path, meta))
    for found in by_kind.values():
        last = max(meta["total_pages"] for _, meta in found)
        missing = set(range(1, last + 1)) - {meta["current_page"] for _, meta in found}
        if missing:
            numbers = ", ".join(map(str, sorted(missing)))
            yield found[-1][0].name, f"of {last} pages these are missing: {numbers}"


def _of_openmeter(pages: Pages) -> Iterator[tuple[str, str]]:
    """Pages say of how many elements the list is. Lists of the same length are taken for one."""
    by_count: dict[int, list[tuple[Path, int]]] = defaultdict(list)
    for path, page in pages:
        if "totalCount" in page and isinstance(page.get("items"), list):
            by_count[page["totalCount"]].append((path, len(page["items"])))
    for total, found in by_count.items():
        here = sum(count for _, count in found)
        if here < total:
            yield found[-1][0].name, f"of {total} elements {here} are here: fetch every page"
