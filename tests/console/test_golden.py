"""Whole pages of invoices, as files to read and to compare with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import DocumentLanguage
from billing.money import ZERO
from console import assets
from console.documents import values_of
from console.language import words_in
from console.place import Place
from console.rendering import render
from models.base import new_id
from services.documents.view import Document
from services.portal.invoices import Shown, ShownInvoice
from tests.services.documents.agreements import committed, past_threshold, tokens_at_use
from tests.services.documents.builders import invoice, plain_line, usage_line
from tests.services.documents.samples import LOGO, credited, tiered


class HtmlFile(SingleFileSnapshotExtension):
    """One page a file."""

    _write_mode = WriteMode.TEXT
    file_extension = "html"


def documents() -> dict[str, Document]:
    calls = usage_line("API calls", "82450", "0.001", "82.45")
    plain = invoice([calls], logo=LOGO)
    return {
        "one-line": plain,
        "tiers-in-german": replace(tiered(), language=DocumentLanguage.GERMAN),
        "credited-in-french": replace(credited(), language=DocumentLanguage.FRENCH),
        "void": replace(plain, status=InvoiceStatus.VOID, amount_due=ZERO),
        "paid-in-spanish": replace(
            plain,
            language=DocumentLanguage.SPANISH,
            status=InvoiceStatus.PAID,
            amount_paid=plain.total,
            amount_due=ZERO,
        ),
        "true-up-in-german": replace(committed(), language=DocumentLanguage.GERMAN),
        "threshold-in-spanish": replace(past_threshold(), language=DocumentLanguage.SPANISH),
        "tokens-in-french": replace(tokens_at_use(), language=DocumentLanguage.FRENCH),
        "yen-in-japanese": invoice(
            [plain_line("保守費用", "12000", "JPY")], language=DocumentLanguage.JAPANESE
        ),
        "arabic-buyer": replace(plain, buyer=replace(plain.buyer, name="شركة الميناء")),
        "hostile": replace(
            plain, buyer=replace(plain.buyer, name="<script>\u202e'\"&</script>", street="</p>")
        ),
    }


@pytest.mark.parametrize("name", documents())
def test_page_is_as_it_was(
    name: str, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "VERSION", "0")
    document = documents()[name]
    shown = ShownInvoice(
        document=document,
        is_past_due=name == "tiers-in-german",
        is_verifiable=True,
        with_events=frozenset({0}),
        embed_hosts=(),
    )
    place = Place(shown=Shown(organization_id=new_id(), invoice_id=new_id()), path="/p/token")
    words = words_in(document.language)
    values: dict[str, Any] = values_of(shown, words, place)

    page = render("invoice.html", language=document.language, verdict=None, **values).decode()

    assert page == snapshot(extension_class=HtmlFile)
