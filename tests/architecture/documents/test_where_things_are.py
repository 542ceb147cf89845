"""docs/development/where-things-are.md names files that exist, and what is defined in them."""

from __future__ import annotations

import re

import pytest

from tests.architecture.sources import DEFINITION, ROOT, undefined_in

PAGE = ROOT / "docs" / "development" / "where-things-are.md"
MOST_FILES = 3

ROW = re.compile(r"^\| (?P<question>[^|]+\?) \| (?P<answer>.+) \|$", re.MULTILINE)
DOCUMENT = re.compile(r"\]\(([\w./-]+\.md)\)")

ROWS: dict[str, str] = dict(ROW.findall(PAGE.read_text()))


def test_ten_questions_are_answered() -> None:
    assert len(ROWS) == 10


@pytest.mark.parametrize("question", ROWS)
def test_answer_is_found_in_three_files(question: str) -> None:
    answer = ROWS[question]
    named = set(DEFINITION.findall(answer))
    documents = set(DOCUMENT.findall(answer))

    assert named
    assert len({file for file, _ in named} | documents) <= MOST_FILES
    assert {one for one in documents if not (PAGE.parent / one).exists()} == set()
    assert undefined_in(answer) == set()
