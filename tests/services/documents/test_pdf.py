"""Documents as PDF: archived, accessible, the same bytes every time, and nothing lost on a page."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from syrupy.assertion import SnapshotAssertion

from billing.invoicing.kinds import DocumentLanguage
from billing.invoicing.tax_categories import TaxCategory
from services.documents.appearance.glyphs import printable
from services.documents.pdf import render_pdf
from services.documents.view import Document
from tests.services.documents.builders import BUYER, invoice, taxed, usage_line
from tests.services.documents.samples import samples

SAMPLES = samples()


def read(document: Document) -> PdfReader:
    return PdfReader(io.BytesIO(render_pdf(document)))


def pages_of(document: Document) -> list[str]:
    return [page.extract_text() for page in read(document).pages]


def words_of(document: Document) -> str:
    return " ".join(" ".join(pages_of(document)).split())


@pytest.mark.parametrize("name", SAMPLES)
def test_file_is_archived_accessible_and_the_same_every_time(name: str) -> None:
    document = SAMPLES[name]

    first, second = render_pdf(document), render_pdf(document)

    reader = PdfReader(io.BytesIO(first))
    root = reader.root_object
    metadata = root["/Metadata"].get_object().get_data().decode()  # type: ignore[union-attr]  # a stream
    assert first == second
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert str(root["/Lang"]).startswith(document.language)
    assert "/StructTreeRoot" in root
    assert reader.metadata is not None
    assert str(document.number) in str(reader.metadata.title)
    assert reader.metadata.creation_date == document.issued_at
    assert reader.attachments["receipt.json"] == [document.receipt]


def test_another_process_makes_the_same_bytes() -> None:
    program = (
        "from hashlib import sha256; from services.documents.pdf import render_pdf;"
        " from tests.services.documents.samples import samples;"
        " print(sha256(render_pdf(samples()['tokens'])).hexdigest())"
    )
    # Sets and dictionaries have another order there, if they have any.
    own = {**os.environ, "PYTHONHASHSEED": "18"}

    done = subprocess.run(
        [sys.executable, "-c", program], env=own, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == sha256(render_pdf(SAMPLES["tokens"])).hexdigest()


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "five-hundred-lines"])
def test_pages_say_what_they_said(name: str, snapshot: SnapshotAssertion) -> None:
    assert pages_of(SAMPLES[name]) == snapshot


@pytest.mark.parametrize("count", [1, 18, 19, 20, 21, 50, 51, 500])
def test_every_line_is_there_and_subtotals_are_carried(count: int) -> None:
    lines = [usage_line(f"Region {place:03}", "1", "12", "12.00") for place in range(1, count + 1)]

    pages = pages_of(invoice(lines))

    shown = 0
    for place, page in enumerate(pages):
        here = page.count("Region ")
        if here and shown:
            assert f"Brought forward ${12 * shown:,.2f}" in page
        else:
            assert "Brought forward" not in page
        shown += here
        is_followed = place + 1 < len(pages) and "Region " in pages[place + 1]
        assert ("Carried forward" in page) == is_followed
        if is_followed:
            assert f"Carried forward ${12 * shown:,.2f}" in page
        assert not here or "Unit price" in page
        assert f"Page {place + 1} of {len(pages)}" in page
    assert shown == count


def test_names_are_no_markup() -> None:
    name = '#pagebreak() $x^2$ *bold* <label> @ref \\ "quoted" `raw` // comment'

    words = words_of(invoice([usage_line(name, "1", "1", "1.00")], buyer=replace(BUYER, name=name)))

    assert words.count(name) == 2


@settings(deadline=None, max_examples=60)
@given(name=st.text(min_size=1, max_size=12))
def test_every_name_can_be_typeset(name: str) -> None:
    document = replace(SAMPLES["one-line"], buyer=replace(BUYER, name=name), number=name)

    assert render_pdf(document).startswith(b"%PDF-")


def test_character_without_a_glyph_is_a_question_mark() -> None:
    assert printable("Zoë \N{GRINNING FACE} 中 عربي") == "Zoë ? 中 عربي"


def test_direction_marks_and_line_ends_are_gone() -> None:
    assert printable("a\N{RIGHT-TO-LEFT OVERRIDE}b\nc\td") == "ab c d"


def test_negative_amounts_and_minor_digits_are_written_as_the_currency_has_them() -> None:
    assert "-$20.00" in words_of(SAMPLES["negative"])
    assert "KWD 15.625" in words_of(SAMPLES["dinars"]).replace("\N{NO-BREAK SPACE}", " ")
    assert "14,300" in words_of(SAMPLES["yen"])
    assert "14,300.00" not in words_of(SAMPLES["yen"])


def test_page_says_why_there_is_no_tax() -> None:
    document = taxed(SAMPLES["one-line"], "0", "0.00")
    [tax] = document.taxes
    told = replace(tax, category=TaxCategory.REVERSE_CHARGE)

    english = replace(document, taxes=(told,))
    spanish = replace(english, language=DocumentLanguage.SPANISH)

    assert "VAT: Reverse charge 0% $82.45 $0.00" in words_of(english)
    assert "VAT: Inversión del sujeto pasivo 0" in words_of(spanish)


def test_draft_says_so() -> None:
    words = words_of(replace(SAMPLES["one-line"], number=None))

    assert "Number Draft" in words


def test_receipt_is_json() -> None:
    [held] = read(SAMPLES["one-line"]).attachments["receipt.json"]

    assert json.loads(held) == {"lines": []}
