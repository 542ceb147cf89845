"""Bounds: the minimum and maximum of a charge, also where its regular period is billed in parts.

Each part is held to the share of the bounds that all parts so far cover, less what those before it
were billed. So each has its share at first, the last one trues up, and together they come to what
one bill over all of them would say.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing.identifiers import ChargeId
from billing.money import ZERO, exactly
from billing.pricing import Price, TierAmount
from billing.rating.proration import NONE, WHOLE, Share
from billing.ratios import Exact, as_decimal

TRUE_UP: Final = "true_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierParts:
    """What the parts of a regular period before this one come to, of one charge.

    ``priced`` is what the model made of them, ``billed`` the sum of their rounded lines;
    ``is_moved`` says whether a bound moved any of them.
    """

    charge_id: ChargeId
    share: Share
    priced: Exact
    billed: Decimal
    is_moved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What an amount is held to: the bounds of the regular period, and which part this one is."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None
    share: Share = WHOLE
    earlier: EarlierParts | None = None

    @property
    def covered(self) -> Share:
        """The share of the regular period that this part and those before it cover."""
        before = NONE if self.earlier is None else self.earlier.share
        return self.share.plus(before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """A price within its bounds; ``rule`` is the one that moved it, if one did."""

    price: Price
    rule: str | None = None


@exactly
def hold(price: Price, quantity: Exact, bounds: Bounds) -> Bounded:
    """Bring the price of a part within the bounds of its regular period, never below 0.

    Where the model has tiers, a closing row carries the difference, so that the rows still add up
    to the amount. Source: CONTRACT 8, 93. Worked examples: 0.50 with a minimum of 10 is 10; nothing
    with a minimum of 100 is 32.26 for ten days of January, and 67.74 for the rest.
    """
    amount, rule = held_amount(price.amount, bounds)
    if rule is None or amount == price.amount:
        return Bounded(price=price)
    return Bounded(price=move(price, quantity, amount, rule), rule=rule)


@exactly
def held_amount(amount: Exact, bounds: Bounds) -> tuple[Exact, str | None]:
    """Give what an amount comes to within its bounds, and the rule that moved it, if one did."""
    earlier = bounds.earlier
    together = amount if earlier is None else earlier.priced + amount
    wanted, rule = _clamp(together, bounds)
    if earlier is None:
        return wanted, rule
    if rule is None and not earlier.is_moved:
        return amount, None
    return max(ZERO, wanted - earlier.billed), rule or TRUE_UP


def _clamp(amount: Exact, bounds: Bounds) -> tuple[Exact, str | None]:
    covered = bounds.covered
    if bounds.minimum is not None and amount < (least := covered.of(bounds.minimum)):
        return least, "minimum"
    if bounds.maximum is not None and amount > (most := covered.of(bounds.maximum)):
        return most, "maximum"
    return amount, None


@exactly
def move(price: Price, quantity: Exact, amount: Exact, rule: str) -> Price:
    """Give the price with another amount; a closing row says the difference where it has tiers."""
    if not price.tiers:
        return Price(amount=amount)
    difference, reached = amount - price.amount, as_decimal(quantity)
    row = TierAmount(
        starts_from=reached,
        up_to=reached,
        quantity=ZERO,
        unit_price=ZERO,
        flat_fee=difference,
        amount=difference,
        adjustment=rule,
    )
    return Price(amount=amount, tiers=(*price.tiers, row))
