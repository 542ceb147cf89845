"""Numbers that comments cite: of the contract, and of the rules of credit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import documents, every_source

NUMBER = r"(?:section )?I?\d+(?:\.\d+)?"
NUMBERS = rf"(?P<numbers>{NUMBER}(?:(?:, and |, | and | to |–){NUMBER})*)"
RANGE = re.compile(r"(?P<prefix>\d+\.|I)?(?P<first>\d+)(?: to |–)(?:\d+\.|I)?(?P<last>\d+)")
LINE_BREAK = re.compile(r"\n\s*(?:#|--)?\s*")
"""Between two lines of a docstring, of a comment, or of a comment in SQL."""


def cited_in(text: str, document: str = "CONTRACT") -> Iterator[str]:
    """Every number that a text cites, as its entry is named: ``95``, ``4.8``, ``section-6``."""
    for citation in re.finditer(rf"\b{document} {NUMBERS}", LINE_BREAK.sub(" ", text)):
        numbers = citation["numbers"]
        for found in RANGE.finditer(numbers):
            for number in range(int(found["first"]), int(found["last"]) + 1):
                yield f"{found['prefix'] or ''}{number}"
        yield from (one.replace(" ", "-") for one in re.findall(NUMBER, numbers))


def citing_files(document: str, *without: Path) -> dict[Path, set[str]]:
    """What each file of the code, the tests and the documents cites, some files left out."""
    texts = {source.path: source.text for source in every_source()}
    texts |= {path: path.read_text() for path in documents()}
    return {
        path: numbers
        for path, text in texts.items()
        if path not in without and (numbers := set(cited_in(text, document)))
    }
