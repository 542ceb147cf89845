"""Adjustments: what changes an amount after its model, and what may be given back of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing.money import ZERO, exactly
from billing.pricing import Price, TierAmount


@dataclass(frozen=True, slots=True, kw_only=True)
class Clamped:
    """A price within its bounds; ``rule`` is ``minimum`` or ``maximum`` if it was moved."""

    price: Price
    rule: str | None = None


@exactly
def clamp(
    price: Price, quantity: Decimal, minimum: Decimal | None, maximum: Decimal | None
) -> Clamped:
    """Bring a price within its minimum and maximum.

    Where the model has tiers, a closing row carries the difference, so that the rows still add up
    to the amount. Source: CONTRACT 8. Worked example: 0.50 with a minimum of 10 is 10.
    """
    if minimum is not None and price.amount < minimum:
        return _moved(price, quantity, minimum, "minimum")
    if maximum is not None and price.amount > maximum:
        return _moved(price, quantity, maximum, "maximum")
    return Clamped(price=price)


def _moved(price: Price, quantity: Decimal, bound: Decimal, rule: str) -> Clamped:
    if not price.tiers:
        return Clamped(price=Price(amount=bound), rule=rule)
    difference = bound - price.amount
    row = TierAmount(
        starts_from=quantity,
        up_to=quantity,
        quantity=ZERO,
        unit_price=ZERO,
        flat_fee=difference,
        amount=difference,
        adjustment=rule,
    )
    return Clamped(price=Price(amount=bound, tiers=(*price.tiers, row)), rule=rule)
