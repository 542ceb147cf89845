"""Rating: from metered usage to priced lines.

    usage_windows → (usage is read) → measure_quantities → price_quantities → enforce_limits

Each step takes the document of the step before and gives the next one; :func:`rate_period` is all
of them in one call. Rounding and tax come after, in ``billing.invoicing``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import takewhile
from typing import Final

from billing.calculation import calculate_fixed, calculate_usage, measuring_steps
from billing.errors import InvariantBroken
from billing.lines import CalculationStep, LineType, PricedLine, step
from billing.metering import MeterTerms
from billing.money import ONE, ZERO, exactly
from billing.periods import Period
from billing.pricing import Package, Percentage
from billing.proration import WHOLE, Share
from billing.quantities import (
    ChargeQuantity,
    MeteredUsage,
    UsageWindow,
    WindowQuantity,
    measure_quantities,
    usage_windows,
)
from billing.terms import (
    Allowance,
    ChargeTerms,
    ChargeType,
    FeatureTerms,
    FeatureType,
    OverLimit,
    PlanTerms,
    PlanType,
    find_allowance,
)

ENGINE_VERSION: Final = "1"

__all__ = [
    "ENGINE_VERSION",
    "Allowance",
    "CalculationStep",
    "ChargeQuantity",
    "ChargeTerms",
    "ChargeType",
    "FeatureTerms",
    "FeatureType",
    "LineType",
    "MeterTerms",
    "MeteredUsage",
    "OverLimit",
    "PlanTerms",
    "PlanType",
    "PricedLine",
    "UsageWindow",
    "WindowQuantity",
    "enforce_limits",
    "measure_quantities",
    "price_quantities",
    "rate_period",
    "usage_windows",
]


def rate_period(
    terms: PlanTerms, period: Period, usage: Iterable[MeteredUsage], *, share: Share = WHOLE
) -> tuple[PricedLine, ...]:
    """Give the priced lines of a period: measured, priced, limits enforced, not yet rounded.

    ``share`` is what FIXED charges owe of a whole period. Worked example: 82,450 calls at 0.001
    make one line with the exact amount 82.45.
    """
    quantities = measure_quantities(terms, period, usage)
    lines = price_quantities(terms, period, quantities, share=share)
    return enforce_limits(terms, quantities, lines)


def price_quantities(
    terms: PlanTerms,
    period: Period,
    quantities: Sequence[ChargeQuantity],
    *,
    share: Share = WHOLE,
) -> tuple[PricedLine, ...]:
    """Give one line per charge, in the order of the plan, each priced through its model.

    Raises: InvariantBroken if a USAGE charge has no quantity. Source: CONTRACT 8, 18, 41.
    """
    by_charge = {one.charge_id: one for one in quantities}
    lines = []
    for charge in terms.charges:
        if charge.meter is None:
            lines.append(_fixed_line(terms, charge, period, share))
            continue
        quantity = by_charge.get(charge.charge_id)
        if quantity is None:
            raise InvariantBroken(
                "A usage charge was not measured.", charge_id=str(charge.charge_id)
            )
        lines.append(_usage_line(terms, charge, charge.meter, period, quantity))
    return tuple(lines)


def enforce_limits(
    terms: PlanTerms, quantities: Sequence[ChargeQuantity], lines: Sequence[PricedLine]
) -> tuple[PricedLine, ...]:
    """Mark the lines whose hard limit was passed, and price anew those that waive what is above.

    Source: CONTRACT 11, 42. Worked example: 1,500 calls, nothing included, a hard limit of 1,000:
    ``bill`` marks the line with 500 over, ``waive`` also bills 1,000 instead of 1,500.
    """
    charges = {charge.charge_id: charge for charge in terms.charges}
    over = {one.charge_id: one for one in quantities if one.over_limit > ZERO}
    return tuple(
        _enforce(terms, charges[line.charge_id], over[line.charge_id], line)
        if line.charge_id in over and line.charge_id in charges
        else line
        for line in lines
    )


def _enforce(
    terms: PlanTerms, charge: ChargeTerms, quantity: ChargeQuantity, line: PricedLine
) -> PricedLine:
    marked = replace(line, limit_exceeded=True, over_limit_quantity=quantity.over_limit)
    allowance = find_allowance(terms, charge)
    if allowance.over_limit is not OverLimit.WAIVE:
        return marked
    billed = quantity.billable_within_limit
    waived = step(
        "waive_over_limit",
        billed,
        billable=quantity.billable,
        over_limit=quantity.over_limit,
        hard_limit=allowance.hard_limit,
    )
    calculation = calculate_usage(charge, billed, quantity.billable_event_count)
    return replace(
        marked,
        quantity=billed,
        waived_quantity=_subtract(quantity.billable, billed),
        package_count=_count_packages(charge, billed),
        exact_amount=calculation.amount,
        tiers=calculation.tiers,
        bound=calculation.bound,
        steps=(*_steps_before_price(line), waived, *calculation.steps),
    )


def _steps_before_price(line: PricedLine) -> tuple[CalculationStep, ...]:
    return tuple(takewhile(lambda one: one.name != "price", line.steps))


def _fixed_line(terms: PlanTerms, charge: ChargeTerms, period: Period, share: Share) -> PricedLine:
    calculation = calculate_fixed(charge, share)
    label = charge.display_name or terms.name
    return PricedLine(
        type=LineType.FIXED if share.is_whole else LineType.PRORATION,
        currency=terms.currency,
        name=label,
        description=label,
        quantity=ONE,
        unit_amount=charge.unit_amount,
        exact_amount=calculation.amount,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        charge_id=charge.charge_id,
        model=charge.pricing.model,
        share=share,
        bound=calculation.bound,
        steps=calculation.steps,
    )


def _usage_line(
    terms: PlanTerms,
    charge: ChargeTerms,
    meter: MeterTerms,
    period: Period,
    quantity: ChargeQuantity,
) -> PricedLine:
    calculation = calculate_usage(charge, quantity.billable, quantity.billable_event_count)
    pricing = charge.pricing
    return PricedLine(
        type=LineType.USAGE,
        currency=terms.currency,
        name=meter.name,
        description=charge.display_name or meter.name,
        quantity=quantity.billable,
        unit_amount=charge.unit_amount,
        exact_amount=calculation.amount,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        charge_id=charge.charge_id,
        meter_id=meter.meter_id,
        model=pricing.model,
        unit=meter.unit,
        package_size=pricing.package_size if isinstance(pricing, Package) else None,
        package_price=pricing.unit_price if isinstance(pricing, Package) else None,
        package_count=_count_packages(charge, quantity.billable),
        rate=pricing.rate if isinstance(pricing, Percentage) else None,
        fixed_fee=pricing.fixed_fee if isinstance(pricing, Percentage) else None,
        event_count=quantity.billable_event_count,
        usage_quantity=quantity.measured,
        included_quantity=quantity.included,
        bound=calculation.bound,
        tiers=calculation.tiers,
        steps=(*measuring_steps(meter, quantity), *calculation.steps),
    )


def _count_packages(charge: ChargeTerms, quantity: Decimal) -> Decimal | None:
    pricing = charge.pricing
    return pricing.count_packages(quantity) if isinstance(pricing, Package) else None


@exactly
def _subtract(left: Decimal, right: Decimal) -> Decimal:
    return left - right
