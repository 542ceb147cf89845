"""Nothing is written twice: no eight lines in a row stand in two places."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import ROOT, Source, every_source, parse, sources

RUN = 8

WRITTEN_OUT = {
    "tests/money/stories/forgiveness.py": "each story is told whole, as its reader follows it",
}
"""Tables of tests that may repeat a row, and why. Migrations are written once and never shared."""


def lines_of(source: Source) -> list[tuple[int, str]]:
    """What a file says: neither what it imports, nor comments, nor brackets alone."""
    imported = {
        number
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return [
        (number, line.strip())
        for number, line in enumerate(source.text.splitlines(), 1)
        if number not in imported and re.search(r"\w", line) and not line.strip().startswith("#")
    ]


def runs_of(source: Source) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every eight lines in a row, with where they begin."""
    lines = lines_of(source)
    for first in range(len(lines) - RUN + 1):
        run = lines[first : first + RUN]
        yield tuple(text for _, text in run), f"{source.path.relative_to(ROOT)}:{run[0][0]}"


def repeated(*read: Source) -> list[list[str]]:
    """The places of every run that stands in more than one."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for source in read:
        for run, place in runs_of(source):
            places[run].append(place)
    return [found for found in places.values() if len(found) > 1]


def test_no_eight_lines_stand_twice() -> None:
    read = (
        source
        for source in (*every_source(), *sources("benchmarks"))
        if source.path.parent != ROOT / "migrations" / "versions"
        and str(source.path.relative_to(ROOT)) not in WRITTEN_OUT
    )

    assert repeated(*read) == []


def test_a_copy_is_seen_whatever_stands_around_it() -> None:
    here = parse(Path(__file__))
    copy = Source(here.path, f"first = 1\n\n# why\n{here.text}", here.tree)

    assert repeated(here, copy)
