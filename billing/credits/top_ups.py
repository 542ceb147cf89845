"""Automatic top-ups: how much is bought when too little is left, how often, and when not any more.

Source: CREDITS 21.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from billing.credits.purchases import Cost
from billing.errors import InvalidInput
from billing.money import ONE, ZERO, exactly, find_currency, require_decimals, round_half_away
from billing.units import Unit

MOST_A_MONTH: Final = 1000
PAUSES: Final = (timedelta(hours=1), timedelta(hours=24))
"""How long nothing is tried after the first decline in a row, and after the second."""


class TopUpStatus(StrEnum):
    """What became of a try to top credit up."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerWindow:
    """A limit for a local day and one for a local month."""

    day: Decimal
    month: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one of an organization's own unit costs, in major units of a currency."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        require_decimals(amount=self.amount)
        find_currency(self.currency, field="price.currency")
        if self.amount <= ZERO:
            raise InvalidInput("price is more than 0.", code="not_positive", field="price.amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpTerms:
    """When credit is topped up, by how much, and how often at most.

    Once less than ``threshold`` is available, whole ``step``s are bought until there is the
    ``target``, the threshold if None. ``max_count`` counts tries, ``max_amount`` what they were to
    bring, in the unit. Raises: InvalidInput, which names the field.
    """

    unit: Unit
    threshold: Decimal
    step: Decimal
    max_count: PerWindow
    max_amount: PerWindow
    target: Decimal | None = None
    price: Price | None = None

    def __post_init__(self) -> None:
        self._require_amounts()
        self._require_caps()
        if self.unit.is_currency and self.price is not None:
            raise InvalidInput(
                "Credit in a currency costs what it is worth: leave price out.",
                code="price_of_currency",
                field="price",
            )
        if not self.unit.is_currency and self.price is None:
            raise InvalidInput(
                f"Say what one {self.unit.code} costs.", code="no_price", field="price"
            )
        self.cost_of(self.step)

    def _require_amounts(self) -> None:
        amounts = {"threshold": self.threshold, "step": self.step, "target": self.goal}
        require_decimals(**amounts)
        for field, amount in amounts.items():
            self.unit.require_scale(amount, field=field)
        if self.threshold < ZERO or self.step <= ZERO:
            field = "threshold" if self.threshold < ZERO else "step"
            raise InvalidInput(f"{field} is more than 0.", code="not_positive", field=field)
        if self.goal < self.threshold:
            raise InvalidInput(
                "target is at least the threshold.", code="target_below_threshold", field="target"
            )

    def _require_caps(self) -> None:
        for field, cap in (("max_count", self.max_count), ("max_amount", self.max_amount)):
            for window, limit in (("day", cap.day), ("month", cap.month)):
                require_decimals(**{window: limit})
                if limit <= ZERO:
                    raise InvalidInput(
                        f"{field}.{window} is more than 0.",
                        code="not_positive",
                        field=f"{field}.{window}",
                    )
        if self.max_count.month > MOST_A_MONTH:
            raise InvalidInput(
                f"max_count.month is at most {MOST_A_MONTH}.", field="max_count.month"
            )
        for window, limit in (("day", self.max_amount.day), ("month", self.max_amount.month)):
            if limit < self.step:
                raise InvalidInput(
                    "A cap below one step lets nothing be bought.",
                    code="cap_below_step",
                    field=f"max_amount.{window}",
                )

    @property
    def goal(self) -> Decimal:
        """How much there is to be after a top-up."""
        return self.threshold if self.target is None else self.target

    @exactly
    def amount_for(self, available: Decimal, *, left: Decimal) -> Decimal:
        """What to buy: the whole gap in whole steps, as far as the caps leave room; 0 for nothing.

        Worked example: with threshold 100 and steps of 40, of 35 that are left 80 are bought, and
        40 where the caps leave 79.
        """
        if available >= self.threshold:
            return ZERO
        gap = max(self.goal - available, self.unit.finest)
        wanted, rest = divmod(gap, self.step)
        allowed = max(left, ZERO) // self.step
        return min(wanted + ONE if rest else wanted, allowed) * self.step

    @exactly
    def cost_of(self, amount: Decimal) -> Cost:
        """What so much of the unit costs, rounded once. Raises: InvalidInput where that is 0."""
        if self.price is None:
            return Cost(amount=amount, currency=self.unit.code)
        currency = find_currency(self.price.currency)
        cost = round_half_away(amount * self.price.amount, currency.exponent)
        if cost <= ZERO:
            raise InvalidInput(
                "A step costs less than the smallest coin.", code="step_costs_nothing", field="step"
            )
        return Cost(amount=cost, currency=currency.code)


def next_try_at(declined_at: datetime, *, declines: int) -> datetime | None:
    """When to try again after so many declines in a row; None: the rule is off.

    Worked example: after one, an hour later; after two, a day later; after three, never.
    """
    if declines > len(PAUSES):
        return None
    return declined_at + PAUSES[declines - 1]


def key_of_top_up(rule_id: UUID, number: int) -> str:
    """A rule tops up once under each number."""
    return f"topup/{rule_id}/{number}"
