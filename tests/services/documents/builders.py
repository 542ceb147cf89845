"""Documents for tests: of lines as they are given, or as the program bills them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from billing.commitments.true_ups import TermBill
from billing.credits.bills import AvailableCredit
from billing.credits.grants import Place
from billing.discounts.discounting import AvailableCoupons
from billing.identifiers import TaxRateId
from billing.invoicing.credit_notes import credited_taxes
from billing.invoicing.invoices import InvoiceStatus, InvoiceTotals, assemble_invoice
from billing.invoicing.kinds import DocumentLanguage
from billing.invoicing.tax_categories import TaxCategory
from billing.invoicing.taxes import Address, TaxAmount, TaxRate
from billing.money import ZERO, find_currency
from billing.periods import Period
from billing.rating.lines import LineType, PricedLine
from models.base import new_id
from services.documents.view import (
    Correction,
    Document,
    DocumentCoupon,
    DocumentKind,
    DocumentLine,
    Party,
    Prepaid,
)

MARCH: Final = Period(
    starts_at=datetime(2026, 3, 1, tzinfo=UTC), ends_at=datetime(2026, 4, 1, tzinfo=UTC)
)
SELLER: Final = Party(
    name="Harbor Systems GmbH",
    street="Torstraße 1",
    city="Berlin",
    postal_code="10119",
    country="DE",
    tax_id="DE136695976",
    registration_number="HRB 1234 B",
)
BUYER: Final = Party(
    name="Żółw & Fils S.A.",
    email="ap@zolw.example",
    street="12 rue de la Paix",
    city="Paris",
    postal_code="75002",
    country="FR",
    tax_id="FR40303265045",
)


def usage_line(name: str, quantity: str, price: str, total: str, **given: object) -> DocumentLine:
    """A line of usage: quantity × price."""
    line = PricedLine(
        type=LineType.USAGE,
        currency=str(given.pop("currency", "USD")),
        name=name,
        description=name,
        quantity=Decimal(quantity),
        usage_quantity=Decimal(quantity),
        unit_amount=Decimal(price),
        unit="calls",
        exact_amount=Decimal(total),
        starts_at=MARCH.starts_at,
        ends_at=MARCH.ends_at,
    )
    return DocumentLine(priced=replace(line, **given), total=Decimal(total))  # type: ignore[arg-type]  # fields by name


def plain_line(name: str, total: str, currency: str = "USD") -> DocumentLine:
    """A line without a quantity: a fee, or a credit."""
    amount = Decimal(total)
    priced = PricedLine(
        type=LineType.CREDIT if amount < ZERO else LineType.FIXED,
        currency=currency,
        name=name,
        description=name,
        quantity=Decimal(1),
        exact_amount=amount,
    )
    return DocumentLine(priced=priced, total=amount)


def invoice(lines: list[DocumentLine], **given: object) -> Document:
    """An open invoice over the lines, without tax, for March 2026."""
    currency = lines[0].priced.currency
    total = find_currency(currency).round(sum((one.total for one in lines), ZERO))
    plain = Document(
        kind=DocumentKind.INVOICE,
        number="INV-2026-0012",
        language=DocumentLanguage.ENGLISH,
        currency=currency,
        timezone="UTC",
        issued_at=MARCH.ends_at,
        due_at=datetime(2026, 5, 1, tzinfo=UTC),
        seller=SELLER,
        buyer=BUYER,
        lines=tuple(lines),
        subtotal=total,
        taxes=(),
        tax=find_currency(currency).round(ZERO),
        total=total,
        amount_paid=ZERO,
        amount_due=total,
        receipt=b'{"lines":[]}',
        status=InvoiceStatus.OPEN,
        period=MARCH,
        bank_details=(("account_name", "Harbor Systems GmbH"), ("iban", "DE89370400440532013000")),
        payment_link="https://pay.harbor.example/l/1",
    )
    return replace(plain, **given)  # type: ignore[arg-type]  # fields by name


def taxed(plain: Document, percentage: str, amount: str) -> Document:
    """The document with one tax on its whole subtotal."""
    tax = TaxAmount(
        tax_rate_id=TaxRateId(new_id()),
        name="VAT",
        percentage=Decimal(percentage),
        is_inclusive=False,
        taxable=plain.subtotal,
        amount=Decimal(amount),
    )
    total = plain.subtotal + tax.amount
    return replace(plain, taxes=(tax,), tax=tax.amount, total=total, amount_due=total)


EURO: Final = "EUR"


def euros(name: str, amount: str) -> PricedLine:
    """A fee in euros."""
    return plain_line(name, amount, EURO).priced


def calls(quantity: str, price: str, total: str, currency: str = EURO) -> PricedLine:
    """Usage at a price."""
    return usage_line("API calls", quantity, price, total, currency=currency).priced


def rate(
    percentage: str,
    *,
    inclusive: bool = False,
    category: TaxCategory | None = None,
    reason: str | None = None,
) -> TaxRate:
    """A rate of every country."""
    return TaxRate(
        tax_rate_id=TaxRateId(new_id()),
        name="VAT",
        country="FR",
        percentage=Decimal(percentage),
        is_inclusive=inclusive,
        category=category,
        exemption_reason=reason,
    )


def bill(
    lines: Sequence[PricedLine],
    rates: Sequence[TaxRate] = (),
    *,
    credit: Decimal = ZERO,
    coupons: AvailableCoupons | None = None,
    terms: Iterable[TermBill] = (),
    prepaid: AvailableCredit | None = None,
) -> Document:
    """What the program bills for the lines, as an issued document that lacks nothing.

    ``credit`` is left of earlier bills, ``prepaid`` was sold or given, ``terms`` are commitments'.
    """
    currency = find_currency(lines[0].currency)
    totals = assemble_invoice(
        lines,
        rates,
        Address(country="FR"),
        currency,
        available_credit=credit,
        credit=prepaid,
        coupons=coupons,
        terms=terms,
    )
    shown = [DocumentLine(priced=one.line, total=one.line_total) for one in totals.lines]
    return invoice(
        shown,
        buyer_reference="PO 4711",
        subtotal=totals.subtotal,
        taxes=totals.taxes,
        tax=totals.tax,
        total=totals.total,
        amount_due=totals.amount_due,
        prepaid=_prepaid_of(totals),
        prepaid_after_tax=totals.credits_after_tax,
        coupons=tuple(
            DocumentCoupon.of(
                one.code,
                [(part.amount, lines[part.position].is_taxable) for part in one.lines],
            )
            for one in totals.discounts
        ),
    )


def _prepaid_of(totals: InvoiceTotals) -> Prepaid | None:
    if not totals.credits_before_tax:
        return None
    untaxed = (
        one.money
        for one in totals.draws
        if one.place is Place.BEFORE_TAX and not totals.lines[one.position].line.is_taxable
    )
    return Prepaid(amount=totals.credits_before_tax, untaxed=sum(untaxed, ZERO))


def credited(document: Document, amounts: Sequence[Decimal], before: Decimal = ZERO) -> Document:
    """A credit note over so much of each line of a bill."""
    lines = [
        replace(line, total=amount)
        for line, amount in zip(document.lines, amounts, strict=True)
        if amount > ZERO
    ]
    taxable = sum((one.total for one in lines if one.priced.is_taxable), ZERO)
    currency = find_currency(document.currency)
    taxes = credited_taxes(
        amount=taxable, credited_before=before, rates=document.taxes, currency=currency
    )
    return credit_note_of(document, lines, taxes)


def credit_note_of(
    document: Document, lines: Sequence[DocumentLine], taxes: tuple[TaxAmount, ...]
) -> Document:
    """A credit note over the lines."""
    currency = find_currency(document.currency)
    tax = sum((one.amount for one in taxes), ZERO)
    on_top = sum((one.amount for one in taxes if not one.is_inclusive), ZERO)
    total = currency.round(sum((one.total for one in lines), ZERO) + on_top)
    return replace(
        document,
        kind=DocumentKind.CREDIT_NOTE,
        number="CN-2026-0003",
        status=None,
        due_at=None,
        lines=tuple(lines),
        taxes=taxes,
        tax=tax,
        subtotal=total - tax,
        total=total,
        amount_due=ZERO,
        bank_details=(),
        correction=Correction(invoice_number="INV-2026-0012", reason="Counted twice"),
    )
