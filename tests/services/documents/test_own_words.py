"""What the product calls lines, and gives as reasons, is said in the language of the document."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from billing.invoicing.kinds import DocumentLanguage
from billing.invoicing.own_words import CARRIED_REASON, EARLIER_CREDIT
from billing.rating.lines import LineType
from services.documents.layout import WORDS, fact_rows, words_in
from services.documents.line_rows import line_row
from services.documents.own_words import reason_of
from services.documents.summary import summarize
from services.documents.view import Correction, DocumentLine
from tests.services.documents.agreements import grouped
from tests.services.documents.builders import invoice, plain_line
from tests.services.documents.samples import credit_note

JANUARY = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
LATE = "Late usage, Jan 1 – Jan 31, 2026"
CORRECTED = "Correction, Jan 1 – Jan 31, 2026"


def line(kind: LineType, name: str, *, sells_credit: bool = False) -> DocumentLine:
    """A line without a price, of January if it speaks of a period."""
    plain = plain_line(name, "5")
    is_of_period = kind in {LineType.LATE_USAGE, LineType.INVOICED_BEFORE}
    starts_at, ends_at = JANUARY if is_of_period else (None, None)
    priced = replace(plain.priced, type=kind, name=name, starts_at=starts_at, ends_at=ends_at)
    return replace(plain, priced=priced, sells_credit=sells_credit)


def named(one: DocumentLine, language: str) -> str:
    """What the line is called in a document, a page and a mail."""
    document = replace(invoice([one]), language=DocumentLanguage(language))
    told = summarize(document)
    row = line_row(
        one, told.formats, words_in(language), is_whole=True, period=document.period
    ).name
    [shown] = [one["name"] for one in told.lines]
    assert row == shown
    return row


@pytest.mark.parametrize(
    ("kind", "name", "german", "japanese"),
    [
        (
            LineType.LATE_USAGE,
            LATE,
            "Nachgemeldete Nutzung, 01.01.2026 – 31.01.2026",
            "遅延報告された利用, 2026/01/01 – 2026/01/31",
        ),
        (
            LineType.LATE_USAGE,
            CORRECTED,
            "Korrektur, 01.01.2026 – 31.01.2026",
            "訂正, 2026/01/01 – 2026/01/31",
        ),
        (
            LineType.INVOICED_BEFORE,
            "Invoiced before, Jan 1 – Jan 31, 2026",
            "Bereits berechnet, 01.01.2026 – 31.01.2026",
            "請求済み, 2026/01/01 – 2026/01/31",
        ),
        (
            LineType.CREDIT,
            EARLIER_CREDIT,
            "Gutschrift aus einer früheren Rechnung",
            "前回の請求書からの充当",
        ),
        (
            LineType.ADJUSTMENT,
            "Credit carried to the next invoice",
            "Übertrag auf die nächste Rechnung",
            "次回の請求書への繰越",
        ),
        (
            LineType.TRUE_UP,
            "Commitment true-up",
            "Ausgleich zur Mindestabnahme",
            "利用確約額との差額",
        ),
    ],
)
def test_lines_that_the_product_names_are_named_in_the_language(
    kind: LineType, name: str, german: str, japanese: str
) -> None:
    one = line(kind, name)

    assert (named(one, "en"), named(one, "de"), named(one, "ja")) == (name, german, japanese)


def test_credit_that_is_sold_keeps_its_amount_and_unit() -> None:
    one = line(LineType.FIXED, "Credit: 100 TOKENS", sells_credit=True)

    assert named(one, "en") == "Credit: 100 TOKENS"
    assert named(one, "fr") == "Crédit : 100 TOKENS"


@pytest.mark.parametrize(
    ("language", "others", "missing"),
    [
        ("en", "other model", "no model"),
        ("de", "model: andere", "model: ohne Angabe"),
        ("ja", "model: その他", "model: 指定なし"),
    ],
)
def test_what_no_price_names_is_said_in_the_language(
    language: str, others: str, missing: str
) -> None:
    named_ones = [named(one, language) for one in grouped().lines]

    assert named_ones == [f"API calls · {one}" for one in ("large", others, missing)]


def test_line_that_people_renamed_keeps_its_name() -> None:
    of_group = grouped().lines[1]
    renamed = replace(of_group, priced=replace(of_group.priced, name="As agreed"))

    assert named(renamed, "de") == "As agreed"


@pytest.mark.parametrize("language", DocumentLanguage)
def test_what_people_named_stays_as_they_named_it(language: DocumentLanguage) -> None:
    """Also where they took our words."""
    for name in ("API Calls", EARLIER_CREDIT, "Credit: 5 USD"):
        assert named(line(LineType.FIXED, name), language) == name


def test_reasons_of_the_product_are_given_in_the_language_and_those_of_people_are_not() -> None:
    plain = replace(credit_note(), language=DocumentLanguage.GERMAN)
    ours = Correction(invoice_number="1", reason=CARRIED_REASON, is_ours=True)
    theirs = replace(ours, is_ours=False)
    said = "Keine weitere Rechnung hat den Übertrag aufgenommen."
    words = words_in("de")

    formats = summarize(plain).formats
    assert reason_of(ours, plain.language, words) == said
    assert reason_of(theirs, plain.language, words) == CARRIED_REASON
    shown = fact_rows(replace(plain, correction=ours), formats, words)
    assert said in [row["value"] for row in shown]


def test_every_language_has_words_for_what_the_product_says() -> None:
    kinds = ("line_", "group_", "reason_", "exemption_", "terms_")
    own = [name for name in words_in("en") if name.startswith(kinds)]

    assert len(own) == 23, WORDS
    for language in set(DocumentLanguage) - {DocumentLanguage.ENGLISH}:
        translated = words_in(language)
        same = [name for name in own if translated[name] == words_in("en")[name]]
        assert same == (["line_correction"] if language == "fr" else [])
