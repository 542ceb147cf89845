"""A document in a few words, for what goes with it: a mail, a list of its amounts.

Here everything is as it was written; what a font cannot show is a matter of pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from services.documents.formats import Formats
from services.documents.layout import (
    Page,
    bank_rows,
    fact_rows,
    headline_of,
    title_of,
    total_rows,
    words_in,
)
from services.documents.own_words import name_of_line
from services.documents.view import Document

Row: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a document is called, what it asks for, and its rows as texts."""

    formats: Formats
    title: str
    headline: str
    facts: list[Row]
    lines: list[Row]
    totals: list[Row]
    bank: list[Row]


def summarize(document: Document) -> Summary:
    """The document in its own language, by the words and rows of its pages."""
    words = words_in(document.language)
    formats = Formats(
        language=document.language, currency=document.currency, timezone=document.timezone
    )
    return Summary(
        formats=formats,
        title=title_of(document, words),
        headline=headline_of(document, formats, words),
        facts=_rows(fact_rows(document, formats, words), "words", "value"),
        lines=[
            {"name": name_of_line(one, formats, words), "amount": formats.money(one.total)}
            for one in document.lines
        ],
        totals=_rows(total_rows(document, formats, words), "words", "amount"),
        bank=_rows(bank_rows(document), "words", "value"),
    )


def _rows(rows: list[Page], *names: str) -> list[Row]:
    return [{name: str(row[name]) for name in names} for row in rows]
