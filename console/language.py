"""The words of pages, beside those of documents."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.requests import Request

from billing.invoicing.kinds import DocumentLanguage
from services.documents.layout import words_in as document_words
from services.documents.line_rows import Words

WORDS: Final = Path(__file__).parent / "words.json"

_LANGUAGES: Final = frozenset(DocumentLanguage)


@lru_cache(maxsize=8)
def words_in(language: str) -> Words:
    """The words in a language: the documents' own, and those that only pages need."""
    return {**document_words(language), **json.loads(WORDS.read_text("utf-8"))[language]}


def language_of(request: Request) -> DocumentLanguage:
    """What the browser asks for first of ours, for pages that know no customer; else English."""
    for part in request.headers.get("accept-language", "")[:200].split(","):
        name = part.partition(";")[0].strip()[:2].lower()
        if name in _LANGUAGES:
            return DocumentLanguage(name)
    return DocumentLanguage.ENGLISH
