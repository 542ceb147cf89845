"""Calculation: a charge's model and bounds applied to a quantity, with the steps that led there."""

from __future__ import annotations

from dataclasses import dataclass

from billing.errors import InvariantBroken
from billing.metering.aggregations import MeterTerms
from billing.money import ONE, ROUNDED_QUOTIENT_PLACES, round_half_away
from billing.pricing import (
    Flat,
    Package,
    Percentage,
    PerUnit,
    Price,
    Pricing,
    TierAmount,
    price_quantity,
)
from billing.rating.charge_bounds import Bounds, hold
from billing.rating.engines import ENGINE_VERSION, Engine
from billing.rating.lines import CalculationStep, step
from billing.rating.proration import Share
from billing.rating.quantities import ChargeQuantity
from billing.rating.terms import ChargeTerms
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """An exact amount with its tiers, the bound that set it if one did, and its steps."""

    amount: Exact
    tiers: tuple[TierAmount, ...]
    bound: str | None
    steps: tuple[CalculationStep, ...]


def calculate_usage(
    charge: ChargeTerms, quantity: Exact, event_count: int, bounds: Bounds | None = None
) -> Calculation:
    """Give what a billable quantity costs: the model first, then minimum and maximum.

    Source: CONTRACT 8.
    """
    price = price_quantity(charge.pricing, quantity, event_count)
    priced = _model_step(charge.pricing, price, quantity, event_count)
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
    whole, amount = pricing.amount, share.of(pricing.amount)
    if engine.is_first:
        amount = round_half_away(amount, ROUNDED_QUOTIENT_PLACES)
    steps = [step("price", whole, model=charge.pricing.model, unit_price=charge.unit_amount)]
    if not share.is_whole:
        steps.append(
            step(
                "prorate",
                amount,
                amount=whole,
                covered=share.covered,
                total=share.total,
                basis=share.basis.value,
            )
        )
    return _bounded(Price(amount=amount), ONE, tuple(steps), bounds)


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


def _bounded(
    price: Price, quantity: Exact, steps: tuple[CalculationStep, ...], bounds: Bounds | None
) -> Calculation:
    if bounds is None:
        return Calculation(amount=price.amount, tiers=price.tiers, bound=None, steps=steps)
    held = hold(price, quantity, bounds)
    if held.rule is not None:
        steps = (*steps, _bounds_step(held.rule, held.price.amount, price.amount, bounds))
    return Calculation(
        amount=held.price.amount, tiers=held.price.tiers, bound=held.rule, steps=steps
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


def _model_step(
    pricing: Pricing, price: Price, quantity: Exact, event_count: int
) -> CalculationStep:
    inputs: dict[str, Exact | int | str | None] = {"model": pricing.model, "quantity": quantity}
    match pricing:
        case PerUnit():
            inputs["unit_price"] = pricing.unit_price
        case Package():
            inputs["package_size"] = pricing.package_size
            inputs["packages"] = pricing.count_packages(quantity)
            inputs["unit_price"] = pricing.unit_price
        case Percentage():
            inputs["rate"] = pricing.rate
            inputs["fixed_fee"] = pricing.fixed_fee
            inputs["event_count"] = event_count
        case _:
            inputs["tiers"] = len(price.tiers)
    return step("price", price.amount, **inputs)
