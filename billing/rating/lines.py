"""Lines: one charge's share of a bill, with every number that led to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from billing.identifiers import ChargeId, MeterId
from billing.money import exactly, find_currency, plain_text, require_decimals, require_exact
from billing.pricing import TierAmount
from billing.rating.groups import Group
from billing.rating.proration import Share
from billing.ratios import Exact, Ratio, add_up


class LineType(StrEnum):
    """What a line is for; ``proration`` is a fixed charge of a partial period."""

    USAGE = "usage"
    FIXED = "fixed"
    PRORATION = "proration"
    LATE_USAGE = "late_usage"
    CREDIT = "credit"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculationStep:
    """One step of a line's arithmetic: what went in, by name, and what came out, as plain text."""

    name: str
    inputs: Mapping[str, str]
    output: str


def step(name: str, output: Exact, **inputs: Exact | int | str | None) -> CalculationStep:
    """Give a step with its numbers in plain notation; inputs that are None are left out."""
    return CalculationStep(
        name=name,
        inputs={
            key: plain_text(value) if isinstance(value, (Decimal, Ratio)) else str(value)
            for key, value in inputs.items()
            if value is not None
        },
        output=plain_text(output),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedCharge:
    """What a late line or a credit note changes of one charge of one period, in major units."""

    period_index: int
    charge_id: ChargeId
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """A priced but unrounded line.

    Units: quantities in the meter's unit, amounts in major units of ``currency``. ``quantity`` is
    what is billed, ``usage_quantity`` what was measured, ``included_quantity`` what was taken off.
    ``name`` is the label of the text layout, ``description`` that of the JSON (CONTRACT 34).
    ``bound`` names the rule that set the amount: ``minimum``, ``maximum``, or ``true_up`` among
    parts of a period. ``tiers`` add up to ``exact_amount`` wherever the model has tiers;
    ``corrections`` do on a late line. ``group`` is what of its charge the line is, if it is a part.
    """

    type: LineType
    currency: str
    name: str
    description: str
    quantity: Exact
    exact_amount: Exact
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    charge_id: ChargeId | None = None
    meter_id: MeterId | None = None
    model: str | None = None
    unit: str | None = None
    unit_code: str | None = None
    unit_amount: Decimal | None = None
    package_size: Decimal | None = None
    package_price: Decimal | None = None
    package_count: Decimal | None = None
    rate: Decimal | None = None
    fixed_fee: Decimal | None = None
    event_count: int | None = None
    usage_quantity: Exact | None = None
    included_quantity: Exact | None = None
    limit_exceeded: bool = False
    over_limit_quantity: Exact | None = None
    waived_quantity: Exact | None = None
    share: Share | None = None
    bound: str | None = None
    is_taxable: bool = True
    tiers: tuple[TierAmount, ...] = ()
    steps: tuple[CalculationStep, ...] = ()
    corrections: tuple[CorrectedCharge, ...] = ()
    group: Group | None = None

    @property
    def own_charge_id(self) -> ChargeId | None:
        """The charge, of a line that bills its period's own share; None of late usage."""
        return None if self.type is LineType.LATE_USAGE else self.charge_id

    def __post_init__(self) -> None:
        find_currency(self.currency)
        require_exact(quantity=self.quantity, exact_amount=self.exact_amount)
        require_decimals(unit_amount=self.unit_amount)


@exactly
def has_matching_tiers(line: PricedLine) -> bool:
    """Whether the tiers, if any, add up to the line's exact amount."""
    return not line.tiers or add_up(tier.amount for tier in line.tiers) == line.exact_amount
