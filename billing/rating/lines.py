"""Lines: one charge's share of a bill, with every number that led to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from billing.commitments.true_ups import TermBill
from billing.identifiers import ChargeId, MeterId
from billing.money import (
    ZERO,
    exactly,
    find_currency,
    plain_text,
    require_decimals,
    require_exact,
)
from billing.pricing import TierAmount
from billing.rating.groups import Group
from billing.rating.proration import Share
from billing.ratios import Exact, Ratio, add_up
from billing.units import Unit, currency_unit


class LineType(StrEnum):
    """What a line is for; ``proration`` is a fixed charge of a partial period.

    ``invoiced_before`` takes off what invoices of the same period billed before, ``true_up`` is
    what a commitment adds to the lines of its charges.
    """

    USAGE = "usage"
    FIXED = "fixed"
    PRORATION = "proration"
    LATE_USAGE = "late_usage"
    INVOICED_BEFORE = "invoiced_before"
    CREDIT = "credit"
    ADJUSTMENT = "adjustment"
    TRUE_UP = "true_up"


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
    """What a late line or a credit note changes of one charge of one period.

    Units: what the charge is priced in, by default major units of the currency.
    """

    period_index: int
    charge_id: ChargeId
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """A priced but unrounded line.

    Units: quantities in the meter's unit, amounts in major units of ``currency``, or in the own
    unit that it is ``priced_in``: of these ``paid_in_unit`` is what credit pays, and what is left
    is due at the ``overage_rate``, None meaning that it is due nothing. ``cost_share`` is what that
    credit had cost, in major units of ``currency``, where it is taxed as it is used. ``quantity``
    is what is
    billed, ``usage_quantity`` what was measured, ``included_quantity`` what was taken off.
    ``name`` is the label of the text layout, ``description`` that of the JSON (CONTRACT 34).
    ``bound`` names the rule that set the amount: ``minimum``, ``maximum``, or ``true_up`` among
    parts of a period. ``tiers`` add up to ``exact_amount`` wherever the model has tiers;
    ``corrections`` do on a late line, which in an own unit is of one charge: ``corrected_meter_id``
    is what that is measured by. ``group`` is what of its charge the line is, if it is a part.
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
    priced_in: Unit | None = None
    overage_rate: Decimal | None = None
    paid_in_unit: Decimal = ZERO
    cost_share: Decimal = ZERO
    corrected_meter_id: MeterId | None = None
    true_up: TermBill | None = None

    @property
    def own_charge_id(self) -> ChargeId | None:
        """The charge, of a line that bills its period's own share; None of late usage."""
        return None if self.type is LineType.LATE_USAGE else self.charge_id

    @property
    def only_charge_id(self) -> ChargeId | None:
        """The one charge that it bills or corrects, for grants that pay some alone."""
        if self.priced_in is None:
            return self.charge_id
        return self.charge_id or next((one.charge_id for one in self.corrections), None)

    @property
    def only_meter_id(self) -> MeterId | None:
        """The meter of :attr:`only_charge_id`, if it has one."""
        return self.meter_id or self.corrected_meter_id

    @property
    def amount_unit(self) -> Unit:
        """What its amount is in: its own unit, else the currency."""
        return self.priced_in or currency_unit(self.currency)

    @property
    def own_unit(self) -> str | None:
        """The code of the own unit that it is priced in; None where that is the currency."""
        return None if self.priced_in is None else self.priced_in.code

    @property
    def amount(self) -> Decimal:
        """Its amount as it is billed, rounded once. Source: CONTRACT 26, CREDITS 14."""
        return self.amount_unit.round(self.exact_amount)

    @property
    @exactly
    def rest(self) -> Decimal:
        """What credit in its own unit leaves of the amount, in that unit."""
        return self.amount - self.paid_in_unit

    @property
    @exactly
    def money(self) -> Decimal:
        """What it comes to in whole minor units of the currency, before coupons.

        That is what is due, and the cost of what credit in its own unit paid that is taxed as it is
        used, which is paid. Source: CREDITS 14, *Made precise* (Own units).
        """
        return self.rest_money + self.cost_share

    @property
    @exactly
    def rest_money(self) -> Decimal:
        """What is due of it in whole minor units of the currency, before coupons.

        Source: CREDITS 14. Worked example: of 120.5 tokens credit pays 100; at 0.02 each the rest
        is 0.41.
        """
        currency = find_currency(self.currency)
        if self.priced_in is None:
            return currency.round(self.exact_amount)
        return currency.round(self.rest * (self.overage_rate or ZERO))

    def __post_init__(self) -> None:
        find_currency(self.currency)
        require_exact(quantity=self.quantity, exact_amount=self.exact_amount)
        require_decimals(
            unit_amount=self.unit_amount,
            paid_in_unit=self.paid_in_unit,
            cost_share=self.cost_share,
        )


@exactly
def invoiced_before(lines: Iterable[PricedLine]) -> dict[ChargeId, Decimal]:
    """What the lines of a bill say that earlier invoices of its period billed of each charge."""
    billed: dict[ChargeId, Decimal] = {}
    for line in lines:
        if line.type is LineType.INVOICED_BEFORE:
            for one in line.corrections:
                billed[one.charge_id] = billed.get(one.charge_id, ZERO) - one.amount
    return billed


@exactly
def has_matching_tiers(line: PricedLine) -> bool:
    """Whether the tiers, if any, add up to the line's exact amount."""
    return not line.tiers or add_up(tier.amount for tier in line.tiers) == line.exact_amount


def paid_as(lines: Sequence[PricedLine], billed: Sequence[PricedLine]) -> list[PricedLine]:
    """Lines that were computed again, paid in their own units as those that were billed.

    What credit paid is no part of what a line is computed from: the draws say that.
    """
    paid = [(one.paid_in_unit, one.cost_share) for one in billed[: len(lines)]]
    paid += [(ZERO, ZERO)] * (len(lines) - len(paid))
    return [
        line
        if line.priced_in is None
        else replace(line, paid_in_unit=amount, cost_share=cost_share)
        for line, (amount, cost_share) in zip(lines, paid, strict=True)
    ]


def as_computed(lines: Iterable[PricedLine]) -> tuple[PricedLine, ...]:
    """Billed lines as they were computed, before credit in their own units paid of them."""
    return tuple(
        one if one.priced_in is None else replace(one, paid_in_unit=ZERO, cost_share=ZERO)
        for one in lines
    )
