"""Large documents leave nothing behind in the process that made them."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path

import pytest

from services.documents.pdf import render_pdf
from services.documents.view import Document
from tests.services.documents.samples import samples

STATM = Path("/proc/self/statm")


def resident_megabytes() -> int:
    return int(STATM.read_text().split()[1]) * resource.getpagesize() // 1024**2


def another(document: Document, number: int) -> Document:
    """The same document with other names, so that nothing of it was typeset before."""
    lines = tuple(
        replace(one, priced=replace(one.priced, name=f"{one.priced.name} {number}"))
        for one in document.lines
    )
    return replace(document, lines=lines)


@pytest.mark.skipif(not STATM.exists(), reason="only Linux says so cheaply what a process holds")
def test_large_documents_are_forgotten() -> None:
    large = samples()["five-hundred-lines"]
    render_pdf(another(large, 0))
    before = resident_megabytes()

    for number in range(1, 6):
        render_pdf(another(large, number))

    # typst's own memory of them would be 75 MB each.
    assert resident_megabytes() - before < 100
