"""An invoice as plain text, in the layout of CONTRACT section 1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from babel import Locale

from billing.money import find_currency, plain_text
from billing.periods import Period
from billing.rating.lines import PricedLine
from billing.rating.wording import describe_line, describe_tiers, group_digits
from billing.ratios import as_decimal
from models.invoicing.invoices import Invoice, InvoiceLine, InvoiceTax
from services.documents.contents import priced_line_of

LOCALES = {
    "CHF": "de_CH",
    "CNY": "zh_CN",
    "EUR": "en_IE",
    "GBP": "en_GB",
    "INR": "en_IN",
    "JPY": "ja_JP",
    "KRW": "ko_KR",
    "PLN": "pl_PL",
    "SEK": "sv_SE",
}
"""The locale that writes a currency; the others are written as in the United States."""

NOT_FOR_A_LINE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]+")
"""Control characters, ends of lines and paragraphs, and what changes the direction of text."""

RULE = "─"
NARROWEST = 49


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the document: words on the left, an amount at the common right edge."""

    words: str
    amount: str


def render_text(invoice: Invoice, lines: Sequence[InvoiceLine], taxes: Sequence[InvoiceTax]) -> str:
    """The invoice as people read it in a terminal or a mail. All amounts share one right edge."""
    billed = [_on_one_line(row) for line in lines for row in _line_rows(line, invoice.currency)]
    totals = [_on_one_line(row) for row in _total_rows(invoice, taxes)]
    width = max(NARROWEST, *(len(row.words) + len(row.amount) + 2 for row in (*billed, *totals)))
    head = [f"Invoice: {invoice.invoice_number or 'draft'}"]
    if invoice.period_start is not None and invoice.period_end is not None:
        span = Period(starts_at=invoice.period_start, ends_at=invoice.period_end)
        head.append(f"Period: {period_text(span, invoice.timezone)}")
    body = [_set(row, width) for row in billed]
    foot = [_set(row, width) for row in totals]
    return "\n".join([*head, "", "Line Items:", *body, "  " + RULE * width, *foot]) + "\n"


def money_text(amount: Decimal, currency: str) -> str:
    """An amount as its currency's locale writes it, in minor units: ``$82.45``, ``-$5.00``."""
    return price_text(amount, currency)


def price_text(price: Decimal, currency: str) -> str:
    """A price with all its digits, and at least the currency's: ``$0.001``, ``$2.00``.

    The number of minor digits is ISO 4217's; the locale's own opinion differs for 13 currencies.
    """
    exponent = find_currency(currency).exponent
    locale = Locale.parse(LOCALES.get(currency, "en_US"))
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (exponent, max(exponent, _places(price)))
    with localcontext(prec=100):
        return str(pattern.apply(price, locale, currency=currency, currency_digits=False))


def period_text(span: Period, timezone: str) -> str:
    """The first and the last covered day: ``Jan 1 – Jan 31, 2025``."""
    first, last = span.first_day(timezone), span.last_covered_day(timezone)
    if first == last:
        return _day(last, with_year=True)
    return f"{_day(first, with_year=first.year != last.year)} – {_day(last, with_year=True)}"


def _line_rows(line: InvoiceLine, currency: str) -> list[Row]:
    priced: PricedLine = priced_line_of(line)
    words = describe_line(
        priced, price=lambda price: price_text(price, currency), quantity=group_digits
    )
    rows = [Row(words=f"  {words}", amount=money_text(line.line_total, currency))]
    if priced.limit_exceeded and priced.over_limit_quantity is not None:
        over = group_digits(as_decimal(priced.over_limit_quantity))
        rows.append(Row(words=f"    over the limit by {over}", amount=""))
    tiers = describe_tiers(priced, price=lambda price: price_text(price, currency))
    rows.extend(
        Row(words=f"    {tier.text}", amount=price_text(tier.amount, currency)) for tier in tiers
    )
    return rows


def _total_rows(invoice: Invoice, taxes: Sequence[InvoiceTax]) -> list[Row]:
    currency = invoice.currency
    rows = [Row(words="  Subtotal", amount=money_text(invoice.subtotal, currency))]
    if not taxes:
        rows.append(Row(words="  Tax (0%)", amount=money_text(invoice.tax, currency)))
    for tax in taxes:
        included = ", included" if tax.is_inclusive else ""
        words = f"  {tax.name} ({plain_text(tax.percentage)}%{included})"
        rows.append(Row(words=words, amount=money_text(tax.amount, currency)))
    rows.append(Row(words="  Total", amount=money_text(invoice.total, currency)))
    return rows


def _on_one_line(row: Row) -> Row:
    """A name with a line's end, or with marks that turn text around, makes no line of its own."""
    return Row(words=NOT_FOR_A_LINE.sub(" ", row.words), amount=row.amount)


def _set(row: Row, width: int) -> str:
    if not row.amount:
        return row.words
    return row.words + row.amount.rjust(width + 2 - len(row.words))


def _day(day: date, *, with_year: bool) -> str:
    return f"{day:%b} {day.day}" + (f", {day.year}" if with_year else "")


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
