"""Every noun has one entry in docs/glossary.md, and every table is a noun."""

from __future__ import annotations

import re

from sqlmodel import SQLModel

import models  # noqa: F401  (loads every table into the metadata)
from tests.architecture.sources import ROOT

ENTRY = re.compile(r"^\| (?P<words>[\w ,]+) \| (?P<meaning>[^|]+) \|", re.MULTILINE)
TABLE_OF_ANOTHER_WORD = re.compile(r"\(`(\w+)`\)")


def entries() -> list[tuple[str, str]]:
    """The words of the glossary with what they mean."""
    found = ENTRY.findall((ROOT / "docs" / "glossary.md").read_text())
    return [
        (word, meaning) for words, meaning in found if words != "Word" for word in words.split(", ")
    ]


def test_every_word_has_one_entry() -> None:
    words = [word for word, _ in entries()]

    assert len(words) > 60
    assert {word for word in words if words.count(word) > 1} == set()


def test_every_table_is_an_entry() -> None:
    words = {word.replace(" ", "_") for word, _ in entries()}
    words |= {table for _, meaning in entries() for table in TABLE_OF_ANOTHER_WORD.findall(meaning)}

    assert set(SQLModel.metadata.tables) - words == set()
