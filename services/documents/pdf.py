"""Documents as PDF files, typeset by typst from data: archived (PDF/A-3b), accessible (PDF/UA-1).

Inside are ``receipt.json`` and, where the document has an e-invoice, ``factur-x.xml``.

The same document gives the same bytes, on every machine: the fonts ship with the program, the date
inside is the day of issue, and nothing is looked up anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from threading import local
from typing import Final

import typst

from billing.errors import InvalidInput
from services.documents.appearance.glyphs import FAMILIES, FONTS
from services.documents.einvoice.formats import factur_x_of
from services.documents.einvoice.metadata import declare_factur_x
from services.documents.layout import page_of
from services.documents.view import Document, Logo

TEMPLATES: Final = Path(__file__).parent / "appearance" / "template"
PAGE: Final = TEMPLATES / "page.typ"
LOGO: Final = TEMPLATES / "logo.typ"
BLANK: Final = TEMPLATES / "blank.typ"

REMEMBERED_COMPILATIONS: Final = 10
"""typst remembers for so many compilations what it computed, in case it is asked again."""

MOST_REMEMBERED_LINES: Final = 25
"""A document of 500 lines holds 75 MB of that; ten of them made a process of 1 GB."""

_of_thread = local()


def render_pdf(document: Document) -> bytes:
    """The document as a file with its attachments. It computes, and so belongs in a thread.

    Worked example: a page takes 10 ms of a processor, 500 lines on 34 pages 0.8 s.
    """
    factur_x = factur_x_of(document)
    page = page_of(document) | {
        "fonts": [family for family, _ in FAMILIES],
        "einvoice": factur_x and factur_x.decode(),
    }
    try:
        typeset = _typeset(PAGE, page)
        return typeset if factur_x is None else declare_factur_x(typeset)
    finally:
        if len(document.lines) > MOST_REMEMBERED_LINES:
            _forget()


def require_typesettable(logo: Logo) -> None:
    """Return if documents can show the logo. Raises InvalidInput ``invalid_logo``."""
    try:
        _typeset(LOGO, {"format": logo.format, "content": list(logo.content)})
    except typst.TypstError as error:
        raise InvalidInput(
            "The logo is damaged, or of a kind that documents cannot show.",
            code="invalid_logo",
            field="logo",
        ) from error


def _forget() -> None:
    """Typst holds nothing any more of what it computed before."""
    for _ in range(REMEMBERED_COMPILATIONS + 1):
        _compiler().compile(input=str(BLANK), format="svg")


def _typeset(template: Path, page: Mapping[str, object]) -> bytes:
    compiled = _compiler().compile(
        input=str(template),
        format="pdf",
        sys_inputs={"page": json.dumps(page, ensure_ascii=False)},
        pdf_standards=["a-3b", "ua-1"],
    )
    assert isinstance(compiled, bytes)
    return compiled


def _compiler() -> typst.Compiler:
    """The compiler of this thread, which has read the fonts."""
    found: typst.Compiler | None = getattr(_of_thread, "compiler", None)
    if found is None:
        found = _of_thread.compiler = typst.Compiler(
            str(PAGE),
            root=str(TEMPLATES),
            font_paths=[str(FONTS)],
            ignore_system_fonts=True,
        )
    return found
