"""What a document points to: only where strangers reach it, as a link and as a code for cameras."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pypdfium2
import pytest
import zxingcpp
from pypdf import PdfReader

from services.documents.appearance.links import code_of, page_address, verify_address
from services.documents.pdf import render_pdf
from services.documents.view import Document
from tests.services.documents.samples import VERIFY, samples

RECEIPT = UUID("0197d3f0-0000-7000-8000-000000000001")
DOCUMENT = samples()["one-line"]


def links_of(document: Document) -> list[str]:
    actions = [one["/A"] for one in objects_of(document) if "/A" in one]
    return [str(one["/URI"]) for one in actions if "/URI" in one]


def objects_of(document: Document) -> list[Any]:
    reader: Any = PdfReader(io.BytesIO(render_pdf(document)))
    objects = [reader.get_object(at) for at in range(1, reader.trailer["/Size"])]
    return [one for one in objects if isinstance(one, dict)]


def test_addresses_are_below_the_public_one() -> None:
    assert verify_address("https://billing.harbor.example/", RECEIPT) == VERIFY
    assert page_address("https://harbor.example/b", "3kT") == "https://harbor.example/b/p/3kT"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"]
)
def test_nobody_is_sent_to_their_own_machine(url: str) -> None:
    assert verify_address(url, RECEIPT) is None
    assert page_address(url, "3kT") is None


def test_links_of_a_page_are_those_that_it_has() -> None:
    bare = replace(DOCUMENT, payment_link=None, page_link=None, verify_link=None)

    assert links_of(DOCUMENT) == [DOCUMENT.payment_link, DOCUMENT.page_link, VERIFY]
    assert links_of(bare) == []


def test_code_is_a_picture_of_squares_and_has_words() -> None:
    code = ET.fromstring(code_of(VERIFY))

    assert code.attrib["viewBox"] == "0 0 37 37"
    assert code_of(VERIFY) == code_of(VERIFY) != code_of(VERIFY[:-1] + "2")
    assert f"Check this document: {VERIFY}" in [one.get("/Alt") for one in objects_of(DOCUMENT)]


def codes_on(document: Document) -> list[str]:
    """What a camera reads on the pages of the file, at a hundred dots an inch."""
    read = []
    for page in pypdfium2.PdfDocument(render_pdf(document)):
        drawn = page.render(scale=100 / 72, grayscale=True)
        pixels = memoryview(drawn.buffer).cast("B").cast("B", [drawn.height, drawn.stride])
        read += [one.text for one in zxingcpp.read_barcodes(pixels)]
    return read


@pytest.mark.parametrize("name", ["one-line", "yen", "arabic", "credit-note"])
def test_code_in_the_file_is_read_as_the_address(name: str) -> None:
    document = samples()[name]

    assert codes_on(replace(document, verify_link=VERIFY)) == [VERIFY]
    assert codes_on(replace(document, verify_link=None)) == []
