"""Lines that no usage has: typed in by people, or moving credit between bills."""

from __future__ import annotations

from decimal import Decimal

from billing.invoicing.own_words import CARRIED_CREDIT, EARLIER_CREDIT
from billing.money import Currency, exactly
from billing.rating.lines import LineType, PricedLine, step


@exactly
def credit_line(amount: Decimal, currency: Currency) -> PricedLine:
    """Give the line that grants a credit which earlier bills of the customer left.

    It is not taxed: the amount carried was already after tax. Source: CONTRACT 48, 81.
    """
    return _plain_line(LineType.CREDIT, -amount, currency, EARLIER_CREDIT)


def manual_line(
    description: str, quantity: Decimal, unit_amount: Decimal, currency: Currency
) -> PricedLine:
    """Give a line that was typed in: quantity × unit amount. Source: CONTRACT 3.9."""
    amount = _multiply(quantity, unit_amount)
    return PricedLine(
        type=LineType.FIXED,
        currency=currency.code,
        name=description,
        description=description,
        quantity=quantity,
        unit_amount=unit_amount,
        exact_amount=amount,
        steps=(step("price", amount, quantity=quantity, unit_price=unit_amount),),
    )


@exactly
def _multiply(left: Decimal, right: Decimal) -> Decimal:
    return left * right


def carry_line(amount: Decimal, currency: Currency) -> PricedLine:
    """Give the line that keeps what a bill below zero leaves, for a later one."""
    return _plain_line(LineType.ADJUSTMENT, amount, currency, CARRIED_CREDIT)


def _plain_line(
    kind: LineType, amount: Decimal, currency: Currency, description: str
) -> PricedLine:
    return PricedLine(
        type=kind,
        currency=currency.code,
        name=description,
        description=description,
        quantity=Decimal(1),
        exact_amount=amount,
        is_taxable=False,
    )
