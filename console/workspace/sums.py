"""What an invoice's total and amount due are the sums of, so that every figure adds up on sight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from billing.invoicing.invoices import InvoiceStatus
from billing.money import ZERO, exactly

Invoice = Mapping[str, Any]
TOTAL: Final = "Total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summand:
    """An amount that is added, or with ``is_sum`` what everything before it comes to."""

    words: str
    amount: Decimal
    is_sum: bool = False


@exactly
def list_summands(invoice: Invoice) -> list[Summand]:
    """From the lines of an invoice to what is left to pay, in the order in which it is computed."""
    return [*_up_to_total(invoice), *_up_to_due(invoice)]


@exactly
def list_summands_of_total(invoice: Invoice) -> Sequence[Summand]:
    """From the lines of an invoice to its total; nothing between where nothing is added."""
    to_total = list(_up_to_total(invoice))
    added = [one for one in to_total if not one.is_sum]
    return to_total if added else to_total[-1:]


def _up_to_total(invoice: Invoice) -> Iterator[Summand]:
    lines = sum((Decimal(one["line_total"]) for one in invoice["line_items"]), ZERO)
    subtotal = Decimal(invoice["subtotal"])
    if subtotal != lines:
        yield Summand(words="Tax within these prices", amount=subtotal - lines)
    yield Summand(words="Subtotal", amount=subtotal, is_sum=True)
    for coupon in invoice["coupons"]:
        yield Summand(words=f"Coupon {coupon['code']}", amount=-Decimal(coupon["amount"]))
    if invoice["credits_before_tax"]:
        yield Summand(words="Credit", amount=-Decimal(invoice["credits_before_tax"]))
    for tax in invoice["taxes"]:
        words = f"{tax['name']} ({Decimal(tax['percentage']).normalize():f}%)"
        yield Summand(words=words, amount=Decimal(tax["amount"]))
    yield Summand(words=TOTAL, amount=Decimal(invoice["total"]), is_sum=True)


def _up_to_due(invoice: Invoice) -> Iterator[Summand]:
    """What was paid and given back; of a void invoice nothing, since nothing is due of it."""
    total, due = Decimal(invoice["total"]), Decimal(invoice["amount_due"])
    settled = [] if invoice["status"] == InvoiceStatus.VOID else [*_settled(invoice)]
    yield from settled
    if due != total or settled:
        yield Summand(words="Amount due", amount=due, is_sum=True)


def _settled(invoice: Invoice) -> Iterator[Summand]:
    for words, name in (
        ("Credit, of the total", "credits_after_tax"),
        ("Credit notes", "amount_credited"),
        ("Paid", "amount_paid"),
    ):
        if invoice[name]:
            yield Summand(words=words, amount=-Decimal(invoice[name]))
    if invoice["amount_refunded"]:
        yield Summand(words="Refunded", amount=Decimal(invoice["amount_refunded"]))
