"""The words, numbers and days of five languages; and the fonts that show them."""

from __future__ import annotations

import json
import re
import string
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

import pytest

from billing.invoicing.kinds import DocumentLanguage
from services.documents.appearance.glyphs import FONTS, printable
from services.documents.formats import Formats
from services.documents.layout import WORDS, words_in
from tests.services.documents.builders import MARCH

HASH = re.compile(r"^\| (\S+) \|.* ([0-9a-f]{64}) \|$", re.MULTILINE)


def places_in(words: str) -> set[str | None]:
    return {place for _, place, _, _ in string.Formatter().parse(words) if place}


def test_every_language_has_the_same_words() -> None:
    assert tuple(json.loads(WORDS.read_text("utf-8"))) == tuple(DocumentLanguage)
    for language in DocumentLanguage:
        words = words_in(language)
        assert words.keys() == words_in("en").keys()
        for name, text in words.items():
            assert places_in(text) == places_in(words_in("en")[name])
            assert printable(text) == text


@pytest.mark.parametrize(
    ("language", "currency", "money", "price", "quantity", "day", "span"),
    [
        (
            "en",
            "USD",
            "-$1,234.50",
            "$0.001",
            "82,450.5",
            "March 1, 2026",
            "Mar 1, 2026 – Mar 31, 2026",
        ),
        (
            "de",
            "EUR",
            "-1.234,50 €",
            "0,001 €",
            "82.450,5",
            "1. März 2026",
            "01.03.2026 – 31.03.2026",
        ),
        (
            "fr",
            "EUR",
            "-1 234,50 €",
            "0,001 €",
            "82 450,5",
            "1 mars 2026",
            "1 mars 2026 – 31 mars 2026",
        ),
        (
            "es",
            "EUR",
            "-1.234,50 €",
            "0,001 €",
            "82.450,5",
            "1 de marzo de 2026",
            "1 mar 2026 – 31 mar 2026",
        ),
        (
            "ja",
            "JPY",
            "-¥1,235",
            "¥0.001",
            "82,450.5",
            "2026年3月1日",
            "2026/03/01 – 2026/03/31",
        ),
    ],
)
def test_numbers_and_days_are_written_as_the_language_does(
    language: str, currency: str, money: str, price: str, quantity: str, day: str, span: str
) -> None:
    formats = Formats(language=DocumentLanguage(language), currency=currency, timezone="UTC")
    amount = Decimal(-1235) if currency == "JPY" else Decimal("-1234.50")

    def plain(text: str) -> str:
        return text.replace("\u202f", " ").replace("\N{NO-BREAK SPACE}", " ").replace("￥", "¥")

    assert plain(formats.money(amount)) == money
    assert plain(formats.price(Decimal("0.001"))) == price
    assert plain(formats.quantity(Decimal("82450.50"))) == quantity
    assert formats.day(datetime(2026, 3, 1, 12, tzinfo=UTC)) == day
    assert formats.span(MARCH) == span


def test_fonts_are_those_that_their_table_names() -> None:
    table = dict(HASH.findall((FONTS / "README.md").read_text()))

    found = {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in FONTS.iterdir()
        if path.suffix in {".otf", ".ttf"}
    }

    assert table == found
