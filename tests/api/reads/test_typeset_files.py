"""Files of documents are made once, and again for every difference in what they show."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from api.reads import typeset_files
from api.reads.typeset_files import TypesetFiles
from services.documents.pdf import render_pdf
from services.documents.view import Document
from tests.services.documents.samples import samples

DOCUMENT = samples()["one-line"]


CREDITED = samples()["credited"].given_back
CHANGED = {
    "paid": replace(DOCUMENT, amount_paid=Decimal(5)),
    "owed": replace(DOCUMENT, amount_due=Decimal(5)),
    "credited": replace(DOCUMENT, given_back=CREDITED),
    "receipt": replace(DOCUMENT, receipt=b"{}"),
    "logo": replace(DOCUMENT, logo=None),
    "page": replace(DOCUMENT, page_link=None),
    "line": replace(DOCUMENT, lines=(replace(DOCUMENT.lines[0], total=Decimal(1)),)),
}


@pytest.fixture
def typeset(monkeypatch: pytest.MonkeyPatch) -> list[Document]:
    """What was typeset, each time it was."""
    made: list[Document] = []

    def note(document: Document) -> bytes:
        made.append(document)
        return render_pdf(document)

    monkeypatch.setattr(typeset_files, "render_pdf", note)
    return made


def test_the_same_document_is_typeset_once(typeset: list[Document]) -> None:
    files = TypesetFiles()

    found = [files.render(DOCUMENT), files.render(samples()["one-line"])]

    assert found == [render_pdf(DOCUMENT)] * 2
    assert len(typeset) == 1


@pytest.mark.parametrize("name", CHANGED)
def test_another_document_is_another_file(typeset: list[Document], name: str) -> None:
    files = TypesetFiles()
    before = files.render(DOCUMENT)

    after = files.render(CHANGED[name])

    assert after != before
    assert after == render_pdf(CHANGED[name])
    assert len(typeset) == 2


def test_files_have_so_much_room_and_no_more(typeset: list[Document]) -> None:
    documents = [replace(DOCUMENT, number=f"INV-{number}") for number in range(3)]
    files = TypesetFiles(most_bytes=2 * len(render_pdf(documents[0])) + 100)
    for one in (0, 1, 0, 2):
        files.render(documents[one])
    typeset.clear()

    files.render(documents[0])
    assert typeset == []
    files.render(documents[1])
    assert len(typeset) == 1
