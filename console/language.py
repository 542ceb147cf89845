"""The words of pages, beside those of documents."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from starlette.requests import Request

from billing.invoicing.kinds import DocumentLanguage
from services.documents.layout import words_in as document_words
from services.documents.line_rows import Words

ENGLISH: Final = "en"
AMERICA: Final = "US"
MOST: Final = 200
"""As much of what a browser accepts is looked at."""

WORDS: Final = Path(__file__).parent / "words.json"

_LANGUAGES: Final = frozenset(DocumentLanguage)


@lru_cache(maxsize=8)
def words_in(language: str) -> Words:
    """The words in a language: the documents' own, and those that only pages need."""
    return {**document_words(language), **json.loads(WORDS.read_text("utf-8"))[language]}


def language_of(request: Request) -> DocumentLanguage:
    """What the browser asks for first of ours, for pages that know no customer; else English."""
    for tag in _tags(request.headers.get("accept-language", "")):
        name = tag[:2].lower()
        if name in _LANGUAGES:
            return DocumentLanguage(name)
    return DocumentLanguage.ENGLISH


def locale_of(request: Request) -> str:
    """By which locale whoever asks writes numbers and days: the browser's first that is known.

    ``en`` writes amounts as their currencies' countries do, and is where none is known.
    """
    return _find_locale(request.headers.get("accept-language", "")[:MOST])


@lru_cache(maxsize=256)
def _find_locale(accepted: str) -> str:
    for tag in _tags(accepted):
        try:
            found = Locale.parse(tag, sep="-")
        except (ValueError, TypeError, UnknownLocaleError):
            continue
        is_plain = found.language == ENGLISH and found.territory in (None, AMERICA)
        return ENGLISH if is_plain else str(found)
    return ENGLISH


def _tags(accepted: str) -> list[str]:
    """The languages that a browser accepts, in its order."""
    return [part.partition(";")[0].strip() for part in accepted[:MOST].split(",")]
