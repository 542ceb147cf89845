"""Comments cite the rules of credit by number, and every number has its entry in the rules."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.documents.citations import cited_in, citing_files
from tests.architecture.sources import ROOT

RULES = ROOT / "docs" / "credits-rules.md"
NAMES = [*map(str, range(1, 26)), *(f"I{number}" for number in range(1, 11))]

ANCHOR = re.compile(r'<a id="(?P<number>[^"]+)"></a>\*\*(?P<shown>I?\d+)\b')


def test_rules_keep_their_numbers_and_show_them() -> None:
    found = ANCHOR.findall(RULES.read_text())

    assert [number for number, _ in found] == NAMES
    assert [shown for _, shown in found] == NAMES


def test_every_rule_that_is_cited_is_an_entry() -> None:
    cited = citing_files("CREDITS", Path(__file__))

    assert len(cited) > 50
    assert {
        str(path.relative_to(ROOT)): unknown
        for path, numbers in cited.items()
        if (unknown := sorted(numbers - set(NAMES)))
    } == {}


def test_rules_are_read_as_people_cite_them() -> None:
    text = "Source: CONTRACT 26, CREDITS 9 to 11, I4 to I6 and 14; CREDITS 7."

    assert set(cited_in(text, "CREDITS")) == {*("9", "10", "11", "14", "7"), *("I4", "I5", "I6")}


def test_readers_are_led_to_the_rules() -> None:
    assert "(docs/credits-rules.md)" in (ROOT / "README.md").read_text()
