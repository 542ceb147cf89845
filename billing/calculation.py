"""Calculation: a charge's model and bounds applied to a quantity, with the steps that led there."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing.adjustments import clamp
from billing.lines import CalculationStep, step
from billing.metering import MeterTerms
from billing.money import ONE
from billing.pricing import (
    Package,
    Percentage,
    PerUnit,
    Price,
    Pricing,
    TierAmount,
    price_quantity,
)
from billing.proration import Share
from billing.quantities import ChargeQuantity
from billing.terms import ChargeTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """An exact amount with its tiers, the bound that set it if one did, and its steps."""

    amount: Decimal
    tiers: tuple[TierAmount, ...]
    bound: str | None
    steps: tuple[CalculationStep, ...]


def calculate_usage(charge: ChargeTerms, quantity: Decimal, event_count: int) -> Calculation:
    """Give what a billable quantity costs: the model first, then minimum and maximum.

    Source: CONTRACT 8.
    """
    price = price_quantity(charge.pricing, quantity, event_count)
    priced = _model_step(charge.pricing, price, quantity, event_count)
    return _bounded(charge, price, quantity, (priced,))


def calculate_fixed(charge: ChargeTerms, share: Share) -> Calculation:
    """Give what a FIXED charge costs for its share of a period.

    Source: CONTRACT 18. Worked example: 17 of 31 days of 30 is 16.4516….
    """
    whole = price_quantity(charge.pricing, ONE, 0).amount
    amount = share.of(whole)
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
    return _bounded(charge, Price(amount=amount), ONE, tuple(steps))


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
    charge: ChargeTerms, price: Price, quantity: Decimal, steps: tuple[CalculationStep, ...]
) -> Calculation:
    clamped = clamp(price, quantity, charge.minimum, charge.maximum)
    if clamped.rule is not None:
        moved = step(
            clamped.rule,
            clamped.price.amount,
            amount=price.amount,
            minimum=charge.minimum,
            maximum=charge.maximum,
        )
        steps = (*steps, moved)
    return Calculation(
        amount=clamped.price.amount,
        tiers=clamped.price.tiers,
        bound=clamped.rule,
        steps=steps,
    )


def _model_step(
    pricing: Pricing, price: Price, quantity: Decimal, event_count: int
) -> CalculationStep:
    inputs: dict[str, Decimal | int | str | None] = {"model": pricing.model, "quantity": quantity}
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
