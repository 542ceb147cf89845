"""Calculation: a charge's model and bounds applied to a quantity, with the steps that led there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from billing.errors import InvariantBroken
from billing.metering.aggregations import MeterTerms
from billing.money import ONE, ROUNDED_QUOTIENT_PLACES, round_half_away
from billing.pricing import Flat, LineValues, Price, Pricing, TierAmount
from billing.rating.charge_bounds import Bounded, Bounds, hold
from billing.rating.engines import ENGINE_VERSION, Engine
from billing.rating.groups import GroupQuantity
from billing.rating.lines import CalculationStep, step
from billing.rating.proration import Share
from billing.rating.quantities import ChargeQuantity
from billing.rating.terms import ChargeTerms
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """An exact amount with its tiers, the bound that set it if one did, and its steps.

    ``line_values`` are what the model has its line show.
    """

    amount: Exact
    tiers: tuple[TierAmount, ...]
    line_values: LineValues
    bound: str | None
    steps: tuple[CalculationStep, ...]


def calculate_usage(
    charge: ChargeTerms,
    quantity: Exact,
    event_count: int,
    bounds: Bounds | None = None,
    *,
    pricing: Pricing | None = None,
) -> Calculation:
    """Give what a billable quantity costs: the model first, then minimum and maximum.

    ``pricing`` is the price of a group, where the quantity is one of it. Source: CONTRACT 8.
    """
    pricing = pricing or charge.pricing
    price = pricing.price(quantity, event_count)
    priced = step("price", price.amount, model=pricing.model, quantity=quantity, **price.inputs)
    return _bounded(price, quantity, (priced,), bounds)


def calculate_fixed(
    charge: ChargeTerms,
    share: Share,
    bounds: Bounds | None = None,
    *,
    engine: Engine = ENGINE_VERSION,
) -> Calculation:
    """Give what a FIXED charge costs for its share of a period.

    Source: CONTRACT 18. Worked example: 17 of 31 days of 30 is 16.4516….
    """
    pricing = charge.pricing
    if not isinstance(pricing, Flat):
        raise InvariantBroken("A FIXED charge is not flat.", charge_id=str(charge.charge_id))
    whole, amount = pricing.price(), share.of(pricing.amount)
    if engine.is_first:
        amount = round_half_away(amount, ROUNDED_QUOTIENT_PLACES)
    steps = [step("price", whole.amount, model=pricing.model, **whole.inputs)]
    if not share.is_whole:
        steps.append(
            step(
                "prorate",
                amount,
                amount=whole.amount,
                covered=share.covered,
                total=share.total,
                basis=share.basis.value,
            )
        )
    return _bounded(replace(whole, amount=amount), ONE, tuple(steps), bounds)


def measuring_steps(meter: MeterTerms, quantity: ChargeQuantity) -> tuple[CalculationStep, ...]:
    """Give the steps from the events to the billable quantity."""
    return (
        step(
            "aggregate",
            quantity.measured,
            aggregation=meter.aggregation.value,
            event_count=quantity.event_count,
            windows=len(quantity.windows),
        ),
        step(
            "included_units",
            quantity.billable,
            measured=quantity.measured,
            included=quantity.included,
        ),
    )


def group_steps(meter: MeterTerms, quantity: GroupQuantity) -> tuple[CalculationStep, ...]:
    """Give the steps from the events of a group to its billable quantity."""
    group = quantity.group
    return (
        step(
            "aggregate",
            quantity.measured,
            aggregation=meter.aggregation.value,
            event_count=quantity.event_count,
            group_by=", ".join(group.properties),
            group=group.label,
        ),
        step(
            "included_units",
            quantity.billable,
            measured=quantity.measured,
            included=quantity.included,
        ),
    )


def _bounded(
    price: Price, quantity: Exact, steps: tuple[CalculationStep, ...], bounds: Bounds | None
) -> Calculation:
    held = Bounded(price=price) if bounds is None else hold(price, quantity, bounds)
    if bounds is not None and held.rule is not None:
        steps = (*steps, _bounds_step(held.rule, held.price.amount, price.amount, bounds))
    return Calculation(
        amount=held.price.amount,
        tiers=held.price.tiers,
        line_values=price.line_values,
        bound=held.rule,
        steps=steps,
    )


def _bounds_step(rule: str, output: Exact, amount: Exact, bounds: Bounds) -> CalculationStep:
    """The bounds of the regular period, and of which share of it where this is a part."""
    inputs: dict[str, Exact | int | str | None] = {
        "amount": amount,
        "minimum": bounds.minimum,
        "maximum": bounds.maximum,
    }
    covered = bounds.covered
    if not bounds.share.is_whole:
        inputs |= {"covered": covered.covered, "total": covered.total, "basis": covered.basis.value}
    if bounds.earlier is not None:
        inputs["earlier_amount"] = bounds.earlier.priced
        inputs["earlier_billed"] = bounds.earlier.billed
    return step(rule, output, **inputs)
