"""A document as the JSON that its pages are made of: every number, day and word as text.

The template (appearance/template/page.typ) only places what is here; nothing of it is read as
markup.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias

from billing.invoicing.invoices import InvoiceStatus
from billing.money import ZERO
from billing.periods import local_date
from services.documents.appearance.glyphs import printable
from services.documents.appearance.links import code_of
from services.documents.formats import Formats
from services.documents.line_rows import Words, line_row
from services.documents.own_words import exemption_reason_of, reason_of
from services.documents.view import Document, DocumentKind, Logo, Party

Page: TypeAlias = dict[str, object]

WORDS: Final = Path(__file__).parent / "appearance" / "template" / "words.json"

_STATUS_WORDS: Final = {
    InvoiceStatus.DRAFT: "draft",
    InvoiceStatus.VOID: "void",
    InvoiceStatus.UNCOLLECTIBLE: "uncollectible",
}
"""The states that are named; whether an invoice is paid, its headline says."""


def page_of(document: Document, *, shown: Callable[[str], str] = printable) -> Page:
    """The document as a template takes it, with every text as ``shown`` gives it.

    A file shows what its fonts can: anything else is replaced by ``?``.
    """
    words = words_in(document.language)
    formats = Formats(
        language=document.language, currency=document.currency, timezone=document.timezone
    )
    issued_on = local_date(document.issued_at, document.timezone)
    page: Page = {
        "words": dict(words),
        "language": document.language,
        "date": [issued_on.year, issued_on.month, issued_on.day],
        "title": title_of(document, words),
        "heading": words[document.kind],
        "facts": fact_rows(document, formats, words),
        "seller": _party(document.seller, formats, words),
        "buyer": _party(document.buyer, formats, words),
        "headline": headline_of(document, formats, words),
        "payment_link": document.payment_link,
        "page_link": document.page_link,
        **_lines(document, formats, words),
        "totals": total_rows(document, formats, words),
        **_tables(document, formats, words),
        "bank": bank_rows(document),
    }
    texts = _each_text(page, shown)
    assert isinstance(texts, dict)
    return texts | {
        "receipt": document.receipt.decode(),
        "logo": _logo(document.logo),
        "verify": _verify(document.verify_link),
    }


@lru_cache(maxsize=8)
def words_in(language: str) -> Words:
    """The words of documents in a language."""
    found: Words = json.loads(WORDS.read_text("utf-8"))[language]
    return found


def _logo(logo: Logo | None) -> Page | None:
    return None if logo is None else {"format": logo.format, "content": list(logo.content)}


def _verify(address: str | None) -> Page | None:
    return None if address is None else {"address": address, "code": code_of(address)}


def title_of(document: Document, words: Words) -> str:
    """What the document is called: ``Invoice INV-2026-0012``."""
    return f"{words[document.kind]} {document.number or words['draft']}"


def fact_rows(document: Document, formats: Formats, words: Words) -> list[Page]:
    """What is said of the document as a whole: its number, its days, its references."""
    facts = [("number", document.number or words["draft"])]
    if document.correction is not None:
        facts.append(("corrects", document.correction.invoice_number))
    facts.append(("issued", formats.day(document.issued_at)))
    if document.due_at is not None:
        facts.append(("due", formats.day(document.due_at)))
    if document.period is not None:
        facts.append(("period", formats.span(document.period)))
    if document.buyer_reference is not None:
        facts.append(("buyer_reference", document.buyer_reference))
    if document.status in _STATUS_WORDS:
        facts.append(("status", words[_STATUS_WORDS[document.status]]))
    if document.correction is not None:
        facts.append(("reason", reason_of(document.correction, document.language, words)))
    return [{"words": words[name], "value": value} for name, value in facts]


def _party(party: Party, formats: Formats, words: Words) -> Page:
    town = " ".join(part for part in (party.postal_code, party.city) if part)
    place = ", ".join(part for part in (town, party.state) if part)
    country = formats.country(party.country) if party.country else None
    numbers = [
        f"{words[caption]} {number}"
        for caption, number in (
            ("tax_id", party.tax_id),
            ("registration_number", party.registration_number),
        )
        if number
    ]
    rows = [row for row in (party.street, place, country, party.email, *numbers) if row]
    return {"name": party.name, "rows": rows}


def headline_of(document: Document, formats: Formats, words: Words) -> str:
    """What the document asks for: ``$82.45 due May 1, 2026``."""
    if document.kind is DocumentKind.CREDIT_NOTE:
        return words["headline_credited"].format(amount=formats.money(document.total))
    if document.status is InvoiceStatus.PAID:
        return words["headline_paid"].format(amount=formats.money(document.amount_paid))
    if document.due_at is None or document.status in (
        InvoiceStatus.VOID,
        InvoiceStatus.UNCOLLECTIBLE,
    ):
        return formats.money(document.total)
    return words["headline_due"].format(
        amount=formats.money(document.amount_due), day=formats.day(document.due_at)
    )


def _lines(document: Document, formats: Formats, words: Words) -> Page:
    """The lines with their running sum; quantities and prices only where some line has them."""
    so_far = ZERO
    lines: list[Page] = []
    is_whole = document.kind is DocumentKind.INVOICE
    rows = [
        line_row(one, formats, words, is_whole=is_whole, period=document.period)
        for one in document.lines
    ]
    has_numbers = any(row.quantity or row.price for row in rows)
    for one, row in zip(document.lines, rows, strict=True):
        so_far += one.total
        lines.append(
            {
                "name": row.name,
                "rows": list(row.below),
                "cells": [row.quantity, row.price] if has_numbers else [],
                "amount": row.amount,
                "carried": formats.money(so_far),
            }
        )
    names = ("description", *(("quantity", "unit_price") if has_numbers else ()), "amount")
    return {"columns": [words[name] for name in names], "lines": lines}


def total_rows(document: Document, formats: Formats, words: Words) -> list[Page]:
    """From the subtotal to what is left to pay."""
    rows = [(words["subtotal"], document.subtotal)]
    rows += [(f"{words['coupon']} {one.code}", -one.amount) for one in document.coupons]
    if document.prepaid is not None:
        rows.append((words["prepaid"], -document.prepaid.amount))
    if not document.taxes:
        rows.append((words["tax"], document.tax))
    for tax in document.taxes:
        included = f", {words['is_included']}" if tax.is_inclusive else ""
        percentage = formats.percent(tax.percentage.scaleb(-2))
        rows.append((f"{tax.name} ({percentage}{included})", tax.amount))
    rows.append((words["total"], document.total))
    at = len(rows) - 1
    if document.kind is DocumentKind.INVOICE and document.amount_due != document.total:
        given_back = sum((note.total for note in document.given_back), ZERO)
        paid, prepaid = document.amount_paid, document.prepaid_after_tax
        if prepaid:
            rows.append((words["prepaid"], -prepaid))
        if given_back and document.total - prepaid - given_back - paid == document.amount_due:
            rows.append((words["credited"], -given_back))
        if paid:
            rows.append((words["amount_paid"], -paid))
        rows.append((words["amount_due"], document.amount_due))
    strong = {at, len(rows) - 1}
    return [
        {
            "words": caption,
            "amount": formats.money(amount),
            "is_strong": place in strong,
            "is_ruled": place in strong,
        }
        for place, (caption, amount) in enumerate(rows)
    ]


def _tables(document: Document, formats: Formats, words: Words) -> Page:
    taxes = [
        [
            f"{tax.name}: {exemption_reason_of(tax.exemption, words)}"
            if tax.exemption
            else tax.name,
            formats.percent(tax.percentage.scaleb(-2)),
            formats.money(tax.taxable),
            formats.money(tax.amount),
        ]
        for tax in document.taxes
    ]
    given_back = [
        [note.number, formats.day(note.issued_at), formats.money(-note.total)]
        for note in document.given_back
    ]
    tax_columns = [words[name] for name in ("tax", "rate", "taxable", "tax_amount")]
    credit_columns = [words[name] for name in ("number", "issued", "amount")]
    return {
        "tax_columns": tax_columns,
        "taxes": taxes,
        "credit_columns": credit_columns,
        "credits": given_back,
    }


def bank_rows(document: Document) -> list[Page]:
    """Where to pay, as people read it."""
    return [
        {"words": _bank_words(name), "value": _bank_value(name, value)}
        for name, value in document.bank_details
    ]


def _bank_words(name: str) -> str:
    """A detail's name as people read it: ``iban`` is IBAN, ``account_name`` Account name."""
    plain = name.replace("_", " ").strip()
    return (
        plain.upper()
        if plain.lower() in {"iban", "bic", "swift"}
        else plain[:1].upper() + plain[1:]
    )


def _bank_value(name: str, value: str) -> str:
    """An IBAN in groups of four, as it is printed (ISO 13616); anything else as it is."""
    if name.casefold() != "iban":
        return value
    plain = "".join(value.split())
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def _each_text(value: object, shown: Callable[[str], str]) -> object:
    match value:
        case str():
            return shown(value)
        case Mapping():
            return {key: _each_text(one, shown) for key, one in value.items()}
        case list():
            return [_each_text(one, shown) for one in value]
        case _:
            return value
