"""Documents as values, one of each kind that looks different."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from billing.invoicing.kinds import DocumentLanguage
from billing.money import ZERO
from billing.pricing import TierAmount
from services.documents.view import (
    Correction,
    Document,
    DocumentCoupon,
    DocumentKind,
    GivenBack,
    Logo,
    Party,
    Prepaid,
)
from tests.services.documents.agreements import add_ons, committed, past_threshold, tokens_at_use
from tests.services.documents.builders import invoice, plain_line, taxed, usage_line


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
        "true-up": committed(),
        "threshold": past_threshold(),
        "add-ons": add_ons(),
        "tokens": tokens_at_use(),
    }
