"""Lines as an e-invoice has them: net of tax, as a quantity of a unit at a price of so many units.

Prices are never below zero (BR-27), so that quantities are. A price with more digits than the
currency has is the price of ten, a hundred or more units (BT-149). Where an amount is no quantity
times a price (tiers, a share, a minimum), it is the price of the whole quantity. So each line is
its quantity times its price over the base, to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.invoicing.tax_treatment import Treatment, treatment_of, treatment_of_untaxed
from billing.metering.unit_codes import ONE as PIECE
from billing.money import (
    ONE,
    ZERO,
    Currency,
    exactly,
    find_currency,
    plain_text,
    round_half_away,
)
from billing.periods import Period
from billing.rating.lines import LineType, PricedLine
from billing.rating.wording import shown_number
from services.documents.einvoice.values import Amount, Quantity, Terms, UnitPrice
from services.documents.formats import Formats
from services.documents.layout import words_in
from services.documents.line_rows import line_row
from services.documents.own_words import name_of_line
from services.documents.view import Document, DocumentKind, DocumentLine


@dataclass(frozen=True, slots=True, kw_only=True)
class NetLine:
    """A line with what of it is no tax, and how that is taxed."""

    line: DocumentLine
    net: Decimal
    treatment: Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """``quantity`` × ``amount`` / ``base``: what a line comes to."""

    quantity: Decimal
    amount: Decimal
    base: Decimal = ONE


@exactly
def net_lines(document: Document) -> list[NetLine]:
    """The lines without the tax that they contain, which is shared out in proportion to them.

    The shares add up to the tax exactly: each is what is rounded of all lines so far, less what the
    earlier ones have. Worked example: 18 in lines of 59 and 59 leave 50 and 50.
    """
    taxed = treatment_of(document.taxes)
    untaxed = treatment_of_untaxed(taxed)
    contained = sum((one.amount for one in document.taxes if one.is_inclusive), ZERO)
    gross = sum((one.total for one in document.lines if one.priced.is_taxable), ZERO)
    currency = find_currency(document.currency)
    lines, so_far, shared = [], ZERO, ZERO
    for line in document.lines or (_nothing(document),):
        net, is_taxed = line.total, line.priced.is_taxable
        if is_taxed and contained and gross:
            so_far += line.total
            share = round_half_away(so_far * contained, currency.exponent, divisor=gross) - shared
            shared += share
            net -= share
        lines.append(NetLine(line=line, net=net, treatment=taxed if is_taxed else untaxed))
    return lines


def _nothing(document: Document) -> DocumentLine:
    """The line of a bill over nothing, since an e-invoice has one at least (BR-16)."""
    name = words_in(document.language)[document.kind]
    priced = PricedLine(
        type=LineType.FIXED,
        currency=document.currency,
        name=name,
        description=name,
        quantity=ONE,
        exact_amount=ZERO,
    )
    return DocumentLine(priced=priced, total=ZERO)


def line_terms(document: Document, lines: Sequence[NetLine]) -> list[Terms]:
    """The lines as BG-25."""
    words = words_in(document.language)
    formats = Formats(
        language=document.language, currency=document.currency, timezone=document.timezone
    )
    is_whole = document.kind is DocumentKind.INVOICE
    return [
        {
            "BT-126": str(number),
            "BT-131": Amount(value=one.net, currency=document.currency),
            **_price_terms(one, document.currency, is_whole=is_whole),
            **_period_terms(one.line, document),
            "BT-151": one.treatment.category,
            "BT-152": one.treatment.percentage,
            "BT-153": name_of_line(one.line, formats, words).strip() or words["description"],
            "BT-154": "; ".join(
                line_row(one.line, formats, words, is_whole=is_whole, period=document.period).below
            ),
        }
        for number, one in enumerate(lines, 1)
    ]


def _price_terms(one: NetLine, code: str, *, is_whole: bool) -> Terms:
    priced = one.line.priced
    price = price_of(one, find_currency(code), is_whole=is_whole)
    unit_code = priced.unit_code or PIECE
    base = Quantity(value=price.base, unit_code=unit_code)
    return {
        "BT-129": Quantity(value=price.quantity, unit_code=unit_code),
        "BT-146": UnitPrice(value=price.amount, currency=code),
        "BT-149": None if price.base == ONE else base,
    }


@exactly
def price_of(one: NetLine, currency: Currency, *, is_whole: bool) -> Price:
    """The quantity and the price that a line comes to; a part of a line is one piece of it."""
    priced = one.line.priced
    quantity = shown_number(priced.quantity) if is_whole else ZERO
    unit_amount = priced.unit_amount
    if (
        is_whole
        and unit_amount is not None
        and priced.priced_in is None
        and currency.round(quantity * unit_amount) == one.net == one.line.total
    ):
        base = _base_of(unit_amount, currency)
        signed = -quantity if unit_amount < ZERO else quantity
        return Price(quantity=signed, amount=abs(unit_amount) * base, base=base)
    size = abs(quantity) or ONE
    signed = -size if one.net < ZERO else size
    return Price(quantity=signed, amount=abs(one.net), base=size)


def _base_of(unit_amount: Decimal, currency: Currency) -> Decimal:
    """Of how many units the price has no more digits than the currency: 1, 10 or 100."""
    _, _, decimals = plain_text(unit_amount).partition(".")
    return ONE.scaleb(max(0, len(decimals) - currency.exponent))


def _period_terms(line: DocumentLine, document: Document) -> Terms:
    """A line's own period. One that is not within the document's is in its words alone.

    Source: PEPPOL-EN16931-R110, R111.
    """
    starts_at, ends_at = line.priced.starts_at, line.priced.ends_at
    if starts_at is None or ends_at is None or starts_at >= ends_at or document.period is None:
        return {}
    if starts_at < document.period.starts_at or ends_at > document.period.ends_at:
        return {}
    span = Period(starts_at=starts_at, ends_at=ends_at)
    return {
        "BT-134": span.first_day(document.timezone),
        "BT-135": span.last_covered_day(document.timezone),
    }
