"""An invoice as plain text, in the layout of CONTRACT section 1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import partial

from billing.invoicing.kinds import DocumentLanguage
from billing.money import plain_text
from billing.periods import Period
from billing.pricing import Formatter
from billing.rating.wording import (
    describe_line,
    describe_rest,
    describe_term,
    describe_tiers,
    group_digits,
)
from billing.ratios import as_decimal
from services.documents.formats import price_text
from services.documents.layout import words_in
from services.documents.view import Document, DocumentLine

NOT_FOR_A_LINE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]+")
"""Control characters, ends of lines and paragraphs, and what changes the direction of text."""

RULE = "─"
NARROWEST = 49


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the document: words on the left, an amount at the common right edge."""

    words: str
    amount: str


def render_text(invoice: Document) -> str:
    """The invoice as people read it in a terminal or a mail. All amounts share one right edge.

    It is English, whatever the invoice's language is.
    """
    currency = invoice.currency
    billed = [_on_one_line(row) for line in invoice.lines for row in _line_rows(line, currency)]
    totals = [_on_one_line(row) for row in _total_rows(invoice)]
    width = max(NARROWEST, *(len(row.words) + len(row.amount) + 2 for row in (*billed, *totals)))
    head = [f"Invoice: {invoice.number or 'draft'}"]
    if invoice.period is not None:
        head.append(f"Period: {period_text(invoice.period, invoice.timezone)}")
    body = [_set(row, width) for row in billed]
    foot = [_set(row, width) for row in totals]
    if invoice.payment_link is not None:
        foot += ["", f"Pay: {on_one_line(invoice.payment_link)}"]
    return "\n".join([*head, "", "Line Items:", *body, "  " + RULE * width, *foot]) + "\n"


def on_one_line(words: str) -> str:
    """The words without line ends, and without marks that turn the direction of text around."""
    return NOT_FOR_A_LINE.sub(" ", words)


def period_text(span: Period, timezone: str) -> str:
    """The first and the last covered day: ``Jan 1 – Jan 31, 2025``."""
    first, last = span.first_day(timezone), span.last_covered_day(timezone)
    if first == last:
        return _day(last, with_year=True)
    return f"{_day(first, with_year=first.year != last.year)} – {_day(last, with_year=True)}"


def _in_unit(unit: str) -> Formatter:
    """Writes prices in an own unit: ``0.5 TOKENS``."""
    return lambda amount: f"{group_digits(amount)} {unit}"


def _line_rows(line: DocumentLine, currency: str) -> list[Row]:
    priced = line.priced
    price: Formatter = partial(price_text, currency=currency)
    in_unit = price if priced.own_unit is None else _in_unit(priced.own_unit)
    words = describe_line(priced, price=in_unit, quantity=group_digits)
    rows = [Row(words=f"  {words}", amount=price_text(line.total, currency))]
    if priced.limit_exceeded and priced.over_limit_quantity is not None:
        over = group_digits(as_decimal(priced.over_limit_quantity))
        rows.append(Row(words=f"    over the limit by {over}", amount=""))
    tiers = describe_tiers(priced, price=in_unit)
    rows.extend(Row(words=f"    {tier.text}", amount=in_unit(tier.amount)) for tier in tiers)
    terms = describe_term(priced, price=price, words=words_in(DocumentLanguage.ENGLISH))
    rows.extend(Row(words=f"    {one}", amount="") for one in terms)
    paid = describe_rest(priced, price=price, paid_by="prepaid credit")
    rows.extend(Row(words=f"    {one}", amount="") for one in paid)
    return rows


def _total_rows(invoice: Document) -> list[Row]:
    currency = invoice.currency
    rows = [Row(words="  Subtotal", amount=price_text(invoice.subtotal, currency))]
    rows += [
        Row(words=f"  Coupon {one.code}", amount=price_text(-one.amount, currency))
        for one in invoice.coupons
    ]
    if invoice.prepaid is not None:
        prepaid = price_text(-invoice.prepaid.amount, currency)
        rows.append(Row(words="  Prepaid credit", amount=prepaid))
    if not invoice.taxes:
        rows.append(Row(words="  Tax (0%)", amount=price_text(invoice.tax, currency)))
    for tax in invoice.taxes:
        included = ", included" if tax.is_inclusive else ""
        words = f"  {tax.name} ({plain_text(tax.percentage)}%{included})"
        rows.append(Row(words=words, amount=price_text(tax.amount, currency)))
    rows.append(Row(words="  Total", amount=price_text(invoice.total, currency)))
    if invoice.prepaid_after_tax:
        prepaid = price_text(-invoice.prepaid_after_tax, currency)
        rows.append(Row(words="  Prepaid credit", amount=prepaid))
    return rows


def _on_one_line(row: Row) -> Row:
    """A name with a line's end, or with marks that turn text around, makes no line of its own."""
    return Row(words=on_one_line(row.words), amount=row.amount)


def _set(row: Row, width: int) -> str:
    if not row.amount:
        return row.words
    return row.words + row.amount.rjust(width + 2 - len(row.words))


def _day(day: date, *, with_year: bool) -> str:
    return f"{day:%b} {day.day}" + (f", {day.year}" if with_year else "")
