"""Comments cite the contract by number, and every number has its entry in docs/contract.md."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.documents.citations import cited_in, citing_files
from tests.architecture.sources import ROOT

CONTRACT = ROOT / "docs" / "contract.md"
DECISIONS = range(1, 104)

ANCHOR = re.compile(r'^<a id="(?P<number>[^"]+)"></a>\*\*(?P<title>[^*]+)\*\*', re.MULTILINE)


def entries() -> list[str]:
    """The names of the entries, in their order."""
    return [found["number"] for found in ANCHOR.finditer(CONTRACT.read_text())]


def test_numbers_are_read_as_people_write_them() -> None:
    text = """(CONTRACT 3.9, 27). Source: CONTRACT 19,
    48, 82 to 84 and 90. CONTRACT 2.6 to 2.8; CONTRACT 16–18
    # and 4.12, section 6. Others: 7."""

    assert set(cited_in(text)) == {
        *("3.9", "27", "19", "48", "82", "83", "84", "90"),
        *("2.6", "2.7", "2.8", "16", "17", "18", "4.12", "section-6"),
    }


def test_every_number_that_is_cited_is_an_entry() -> None:
    known = set(entries())
    cited = citing_files("CONTRACT", Path(__file__))

    assert len(cited) > 100
    assert {
        str(path.relative_to(ROOT)): unknown
        for path, numbers in cited.items()
        if (unknown := sorted(numbers - known))
    } == {}


def test_every_decision_has_one_entry_and_keeps_its_number() -> None:
    names = entries()

    assert [int(name) for name in names if name.isdigit()] == list(DECISIONS)
    assert len(names) == len(set(names))


def test_sections_that_nobody_cites_are_left_out() -> None:
    cited = set().union(*citing_files("CONTRACT", Path(__file__)).values())

    assert {name for name in entries() if not name.isdigit()} <= cited


def test_entries_show_their_numbers() -> None:
    shown = {found["number"]: found["title"] for found in ANCHOR.finditer(CONTRACT.read_text())}

    assert [
        name
        for name, title in shown.items()
        if not title.lower().startswith(name.replace("-", " "))
    ] == []


def test_readers_are_led_to_the_contract() -> None:
    assert "(docs/contract.md)" in (ROOT / "README.md").read_text()
