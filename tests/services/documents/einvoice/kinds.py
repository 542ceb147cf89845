"""Documents of every kind that the rules judge: bills as the program assembles them; samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from billing.invoicing.plain_lines import manual_line
from billing.invoicing.tax_categories import TaxCategory
from billing.invoicing.taxes import TaxRate
from billing.money import ZERO, find_currency
from billing.rating.lines import PricedLine
from services.documents.view import Document
from tests.billing.discounts.redeemed import CHARGES, coupon, redeemed
from tests.services.documents.agreements import agreements, bills_by_price_model
from tests.services.documents.builders import EURO, bill, calls, credited, euros, rate
from tests.services.documents.samples import samples

PAY_AT: Final = "https://pay.example/p?a=1&b=2#pay"


SPRING_AND_FIVE: Final = redeemed(
    coupon(percent=Decimal("12.5")),
    coupon("FIVE", amount=Decimal(5), currency=EURO),
)
"""12.5 % off everything, and then five euros."""


def discounted(lines: Sequence[PricedLine], vat: TaxRate) -> dict[str, Document]:
    """Bills that coupons took something off."""
    charged = [replace(one, charge_id=CHARGES[0]) for one in lines]
    untaxed = [*charged, replace(charged[0], is_taxable=False)]
    included = rate("19", inclusive=True)
    return {
        "coupons": bill(charged, [vat], coupons=SPRING_AND_FIVE),
        "coupons with tax included": bill(charged, [included], coupons=SPRING_AND_FIVE),
        "coupons on what is not taxed": bill(untaxed, [vat], coupons=SPRING_AND_FIVE),
        "coupons without tax": bill(charged, coupons=SPRING_AND_FIVE),
    }


def kinds() -> dict[str, Document]:
    """The documents by name; each has an e-invoice and lacks nothing that Peppol asks for."""
    vat, mixed = rate("19"), [euros("Platform fee", "49.99"), calls("82450", "0.001", "82.45")]
    by_hand = manual_line("Data import", Decimal(3), Decimal("120.00"), find_currency(EURO))
    discount = manual_line("Goodwill", Decimal(1), Decimal("-20.00"), find_currency(EURO))
    taxed = bill(mixed, [vat])
    contained = bill(mixed, [rate("19", inclusive=True)])
    drawn = {
        name: replace(document, buyer_reference="PO 4711")
        for name, document in samples().items()
        if name not in {"dinars", "arabic", "chinese"}
    }
    return (
        drawn
        | agreements()
        | bills_by_price_model()
        | discounted(mixed, vat)
        | {
            "exclusive tax": taxed,
            "inclusive tax": contained,
            "several rates": bill(mixed, [rate("5"), rate("9.975")]),
            "inclusive and exclusive": bill(mixed, [rate("10", inclusive=True), rate("5")]),
            "tiny price": bill([calls("3", "0.0000001", "0.0000003")], [vat]),
            "price of 30 places": bill([calls("1", "0." + "0" * 29 + "1", "0")], [vat]),
            "gigabytes": bill([replace(mixed[1], unit_code="E34")], [vat]),
            "nothing billed": replace(
                bill([calls("0", "0.001", "0")], [vat]), lines=(), subtotal=ZERO, total=ZERO
            ),
            "nothing used": bill([calls("0", "0.001", "0")], [vat]),
            "below zero": bill([euros("Platform fee", "10"), euros("Refund", "-60")], [vat]),
            "by hand": bill([by_hand, discount], [vat]),
            "credit taken": bill(mixed, [vat], credit=Decimal(100)),
            "all paid by credit": bill(mixed, [vat], credit=Decimal(1000)),
            "partly paid": replace(taxed, amount_paid=Decimal("50.00")),
            "paid online": replace(taxed, bank_details=(), payment_link=PAY_AT),
            "paid online or by transfer": replace(taxed, payment_link=PAY_AT),
            "yen with tax": bill([calls("1500", "3", "4500", "JPY")], [rate("10")]),
            "no tax": bill(mixed),
            "no tax, credit taken": bill(mixed, credit=Decimal(10)),
            "credit note with tax": credited(taxed, [Decimal("9.99"), Decimal("82.45")]),
            "credit note, tax contained": credited(contained, [Decimal("49.99"), Decimal("0.01")]),
            "credit note without tax": credited(bill(mixed), [Decimal(1), Decimal(1)]),
            **_exempt(mixed),
        }
    )


def _exempt(lines: Sequence[PricedLine]) -> dict[str, Document]:
    documents = {}
    for category in TaxCategory:
        if category is not TaxCategory.STANDARD:
            bare = rate("0", category=category)
            documents[f"category {category}"] = bill(lines, [bare])
            documents[f"category {category}, credit taken"] = bill(
                lines, [bare], credit=Decimal(10)
            )
    told = rate("0", category=TaxCategory.EXEMPT, reason="Education, section 4")
    return documents | {"reason of one's own": bill(lines, [told])}
