"""What the pages on security promise: every test that they name is there, and figures add up."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.architecture.sources import ROOT

PAGES = ROOT / "docs" / "operators" / "security"
NAMED = re.compile(r"`([a-z_/]+\.py)::(\w+|\*)`")
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| (.+?) \| ([a-z ]+) \| (.+) \|$", re.MULTILINE)
SUMMARY = re.compile(
    r"^\| ([12]|1 and 2) \| (\d+) \| (\d+) \| (\d+) \(([\d.]+) %\)"
    r" \| (\d+) \(([\d.]+) %\) \| (\d+) \|$",
    re.MULTILINE,
)
LEVELS = {"1": 70, "2": 183}
"""How many requirements of each level version 5.0 has."""

VERDICTS = {"tested", "by design", "documented", "operator", "open", "not applicable"}


@pytest.mark.parametrize("page", ["asvs.md", "threats.md"])
def test_every_test_that_is_named_exists(page: str) -> None:
    named = NAMED.findall((PAGES / page).read_text())

    assert len(named) > 30
    for path, name in named:
        text = (ROOT / "tests" / path).read_text()
        wanted = r"test_\w+" if name == "*" else name
        assert re.search(rf"^(async )?def {wanted}\(", text, re.MULTILINE), f"{path}::{name}"


def test_every_requirement_has_a_row_with_a_test_or_a_reason() -> None:
    rows = ROW.findall((PAGES / "asvs.md").read_text())

    assert len({number for number, *_ in rows}) == len(rows)
    assert Counter(level for _, level, *_ in rows) == LEVELS
    assert {verdict for *_, verdict, _ in rows} <= VERDICTS
    for number, _, _, verdict, proof in rows:
        assert (verdict == "tested") == (NAMED.fullmatch(proof) is not None), number
        assert len(proof) > 10, number


def test_the_figures_are_those_of_the_rows() -> None:
    text = (PAGES / "asvs.md").read_text()
    rows = ROW.findall(text)

    shown = SUMMARY.findall(text)

    assert [one[0] for one in shown] == ["1", "2", "1 and 2"]
    for levels, *figures in shown:
        counted = Counter(row[3] for row in rows if row[1] in levels)
        applicable = counted.total() - counted["not applicable"]
        met = applicable - counted["open"]
        assert figures == [
            str(counted.total()),
            str(applicable),
            str(counted["tested"]),
            f"{100 * counted['tested'] / applicable:.1f}",
            str(met),
            f"{100 * met / applicable:.1f}",
            str(counted["open"]),
        ]


def test_documents_that_requirements_name_are_there_with_their_sections() -> None:
    rows = ROW.findall((PAGES / "asvs.md").read_text())

    documented = [row for row in rows if row[3] == "documented"]
    assert len(documented) > 10
    for number, *_, proof in documented:
        link = re.search(r"\[[^]]+\]\(([\w./-]+\.md)\)(?:, ([A-Z][\w ]+?)(?=[:.]| \())?", proof)
        assert link is not None, number
        page = (PAGES / link[1]).read_text()
        if link[2] is not None:
            heading = rf"^(#+ |\*\*){re.escape(link[2])}|\*\*{re.escape(link[2])}\*\*"
            assert re.search(heading, page, re.MULTILINE), f"{number}: {link[1]} has no {link[2]}"
