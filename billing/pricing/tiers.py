"""Tiers: the rows of a price table, and the rule that they tile every quantity from zero up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.errors import InvalidInput
from billing.money import ZERO, require_decimals, require_not_negative
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A row of a tier table: it holds quantities above the previous row up to ``up_to`` inclusive.

    ``up_to`` None is the open end. Units: amounts in major units of the plan's currency.
    """

    up_to: Decimal | None
    unit_price: Decimal = ZERO
    flat_fee: Decimal = ZERO

    def __post_init__(self) -> None:
        require_decimals(up_to=self.up_to)
        require_not_negative(unit_price=self.unit_price, flat_fee=self.flat_fee)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierAmount:
    """What one tier contributed to a charge.

    ``adjustment`` names the rule if the row is not a tier but brings the rows to the charge's
    amount: ``minimum``, ``maximum`` or ``true_up``.
    """

    starts_from: Decimal
    up_to: Decimal | None
    quantity: Exact
    unit_price: Decimal
    flat_fee: Exact
    amount: Exact
    adjustment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A model's exact amount, with the tiers that add up to it (none if the model has no tiers)."""

    amount: Exact
    tiers: tuple[TierAmount, ...] = ()


def check_tiers(tiers: Sequence[Tier]) -> None:
    """Refuse a table that does not tile [0, ∞).

    Raises: InvalidInput ``invalid_tiers`` whose field is the tier's place (``tiers.1.up_to``) and
    whose sentence gives the reason. Source: CONTRACT 8.
    """
    if not tiers:
        raise _invalid("A tier table needs at least one tier.", "tiers")
    lower = ZERO
    for place, tier in enumerate(tiers):
        name, field = f"Tier {place + 1}", f"tiers.{place}.up_to"
        if tier.up_to is None:
            if place + 1 < len(tiers):
                raise _invalid(f"{name} is open-ended but is not the last tier.", field)
            return
        if tier.up_to <= ZERO:
            raise _invalid(f"{name} must end above 0.", field)
        if tier.up_to == lower:
            raise _invalid(f"{name} overlaps the tier before: both end at {lower:f}.", field)
        if tier.up_to < lower:
            raise _invalid(f"{name} is out of order: it ends below the tier before.", field)
        lower = tier.up_to
    raise _invalid(
        f"Tier {len(tiers)}, the last, must be open-ended: its up_to must be null.",
        f"tiers.{len(tiers) - 1}.up_to",
    )


def _invalid(reason: str, field: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_tiers", field=field)
