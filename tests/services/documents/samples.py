"""Ten documents as values, one of each kind that looks different."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from billing.identifiers import TaxRateId
from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import DocumentLanguage
from billing.invoicing.taxes import TaxAmount
from billing.money import ZERO, find_currency
from billing.periods import Period
from billing.pricing import TierAmount
from billing.rating.lines import LineType, PricedLine
from models.base import new_id
from services.documents.view import (
    Correction,
    Document,
    DocumentCoupon,
    DocumentKind,
    DocumentLine,
    GivenBack,
    Logo,
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


def tiered() -> Document:
    """Graduated tiers and an allowance, with tax, in euros."""
    tiers = (
        TierAmount(
            starts_from=ZERO,
            up_to=Decimal(1000),
            quantity=Decimal(1000),
            unit_price=Decimal("0.002"),
            flat_fee=ZERO,
            amount=Decimal(2),
        ),
        TierAmount(
            starts_from=Decimal(1000),
            up_to=None,
            quantity=Decimal(61450),
            unit_price=Decimal("0.001"),
            flat_fee=Decimal(5),
            amount=Decimal("66.45"),
        ),
    )
    calls = usage_line(
        "API calls",
        "62450",
        "0.001",
        "68.45",
        currency="EUR",
        tiers=tiers,
        usage_quantity=Decimal(82450),
        included_quantity=Decimal(20000),
        limit_exceeded=True,
        over_limit_quantity=Decimal(2450),
    )
    lines = [calls, plain_line("Platform fee", "49.00", "EUR")]
    return taxed(invoice(lines), "23", "27.01")


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


def credit_note() -> Document:
    """What gives part of an invoice back."""
    line = usage_line("API calls", "82450", "0.001", "12.50")
    note = invoice([line], kind=DocumentKind.CREDIT_NOTE, number="CN-2026-0003")
    return replace(
        note,
        status=None,
        due_at=None,
        amount_due=ZERO,
        payment_link=None,
        bank_details=(),
        correction=Correction(
            invoice_number="INV-2026-0012", reason="Calls were counted twice on 3 March"
        ),
    )


def credited() -> Document:
    """An invoice of which a credit note gave some back."""
    note = GivenBack(
        number="CN-2026-0003",
        issued_at=datetime(2026, 4, 9, tzinfo=UTC),
        total=Decimal("12.50"),
    )
    plain = invoice([usage_line("API calls", "82450", "0.001", "82.45")])
    return replace(plain, given_back=(note,), amount_due=Decimal("69.95"))


def prepaid() -> Document:
    """An invoice that a coupon lowers, and that credit pays of before its taxes and after them."""
    plain = invoice([usage_line("API calls", "82450", "0.001", "82.45", currency="EUR")])
    lowered = taxed(replace(plain, subtotal=Decimal("54.21")), "23", "12.47")
    return replace(
        lowered,
        subtotal=plain.subtotal,
        coupons=(DocumentCoupon(code="SPRING", amount=Decimal("8.24"), untaxed=ZERO),),
        prepaid=Prepaid(amount=Decimal("20.00"), untaxed=ZERO),
        prepaid_after_tax=Decimal("30.00"),
        amount_due=Decimal("36.68"),
    )


LOGO: Final = Logo(
    format="svg",
    content=b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 14">'
    b'<path fill="#3b46c4" d="M46 0h14v14H46zM50 4v6h6z" fill-rule="evenodd"/>'
    b'<path fill="#8f97e8" d="M28 0h14v14z"/></svg>',
)
"""Two shapes, drawn for these samples."""


VERIFY: Final = "https://billing.harbor.example/verify/0197d3f0-0000-7000-8000-000000000001"


def samples() -> dict[str, Document]:
    """The documents by name."""
    one_line = usage_line("API calls", "82450", "0.001", "82.45")
    many = [
        usage_line(f"Region {place:03} requests", "1200", "0.01", "12.00")
        for place in range(1, 501)
    ]
    yen = [
        usage_line("リクエスト", "1500", "3", "4500", currency="JPY"),
        plain_line("基本料金", "9800", "JPY"),
    ]
    dinars = [usage_line("Messages", "1250", "0.0125", "15.625", currency="KWD")]
    chinese = Party(
        name="上海星河科技有限公司", street="浦东新区世纪大道100号", city="上海", country="CN"
    )
    arabic = Party(
        name="شركة النور للتجارة العامة", street="شارع الملك فهد 12", city="الرياض", country="SA"
    )
    return {
        "one-line": invoice(
            [one_line],
            logo=LOGO,
            buyer_reference="PO 4711",
            verify_link=VERIFY,
            page_link="https://billing.harbor.example/p/3kTMd9",
        ),
        "five-hundred-lines": invoice(many),
        "tiers-and-allowance": tiered(),
        "german": replace(tiered(), language=DocumentLanguage.GERMAN),
        "negative": invoice([one_line, plain_line("Credit from an earlier invoice", "-20.00")]),
        "yen": invoice(yen, language=DocumentLanguage.JAPANESE, verify_link=VERIFY),
        "dinars": invoice(dinars),
        "arabic": invoice([one_line], buyer=arabic),
        "chinese": invoice([one_line], buyer=chinese),
        "credit-note": credit_note(),
        "credited": credited(),
        "prepaid": prepaid(),
    }
