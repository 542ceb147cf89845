"""Rating: from metered usage to priced lines.

    usage_windows → (usage is read) → measure_quantities → price_quantities → enforce_limits

Each step takes the document of the step before and gives the next one; :func:`rate_period` is all
of them in one call. Rounding and tax come after, in ``billing.invoicing.invoices``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from billing.errors import InvariantBroken
from billing.identifiers import ChargeId
from billing.metering.aggregations import MeterTerms
from billing.money import ONE, ZERO, exactly
from billing.periods import Period
from billing.rating.calculation import calculate_fixed, calculate_usage
from billing.rating.lines import CalculationStep, LineType, PricedLine, step
from billing.rating.parts import ALL, Part
from billing.rating.quantities import (
    ChargeQuantity,
    MeteredUsage,
    UsageWindow,
    WindowQuantity,
    measure_quantities,
    not_priced,
    usage_windows,
)
from billing.rating.terms import (
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
from billing.rating.usage_lines import enforced_group_lines, usage_lines
from billing.ratios import Exact

__all__ = [
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
    "Part",
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
    terms: PlanTerms, period: Period, usage: Iterable[MeteredUsage], part: Part = ALL
) -> tuple[PricedLine, ...]:
    """Give the priced lines of a period: measured, priced, limits enforced, not yet rounded.

    Raises: InvariantBroken naming the charge for a line that cannot be priced. Worked example:
    82,450 calls at 0.001 make one line with the exact amount 82.45.
    """
    quantities = measure_quantities(terms, period, usage, engine=part.engine)
    lines = price_quantities(terms, period, quantities, part)
    return enforce_limits(terms, quantities, lines, part)


def price_quantities(
    terms: PlanTerms,
    period: Period,
    quantities: Sequence[ChargeQuantity],
    part: Part = ALL,
) -> tuple[PricedLine, ...]:
    """Give the lines of each charge, in the order of the plan, each priced through its model.

    A charge has one, unless it tells its usage apart: then each group that was used has one.

    Raises: InvariantBroken if a USAGE charge has no quantity, or ``line_not_priced``. Source:
    CONTRACT 8, 18, 41.
    """
    by_charge = {one.charge_id: one for one in quantities}
    lines: list[PricedLine] = []
    for charge in terms.charges:
        quantity = by_charge.get(charge.charge_id)
        try:
            lines.extend(_price(terms, charge, period, quantity, part))
        except ArithmeticError as error:
            raise not_priced(charge, error) from error
    return tuple(lines)


def enforce_limits(
    terms: PlanTerms,
    quantities: Sequence[ChargeQuantity],
    lines: Sequence[PricedLine],
    part: Part = ALL,
) -> tuple[PricedLine, ...]:
    """Mark the lines whose hard limit was passed, and price anew those that waive what is above.

    Raises: as :func:`price_quantities`, and for a line whose charge is gone. Source: CONTRACT 11,
    42. Worked example: 1,500 calls, nothing included, a hard limit of 1,000: ``bill`` marks the
    line with 500 over, ``waive`` also bills 1,000 instead of 1,500.
    """
    charges = {charge.charge_id: charge for charge in terms.charges}
    over = {one.charge_id: one for one in quantities if one.over_limit > ZERO}
    enforced: list[PricedLine] = []
    grouped: set[ChargeId] = set()
    for line in lines:
        charge = charges.get(line.charge_id) if line.charge_id is not None else None
        if charge is None:
            raise InvariantBroken(
                "A line's charge is not in its plan version.", charge_id=str(line.charge_id)
            )
        quantity = over.get(charge.charge_id)
        if quantity is None:
            enforced.append(line)
            continue
        if charge.charge_id in grouped:
            continue
        try:
            if charge.grouping is None:
                enforced.append(_enforce(terms, charge, quantity, line, part))
            else:
                # One limit is over all groups, so their lines are made together, by the first one.
                grouped.add(charge.charge_id)
                span = _span_of(line)
                enforced.extend(enforced_group_lines(terms, charge, span, quantity, part))
        except ArithmeticError as error:
            raise not_priced(charge, error) from error
    return tuple(enforced)


def _price(
    terms: PlanTerms,
    charge: ChargeTerms,
    period: Period,
    quantity: ChargeQuantity | None,
    part: Part,
) -> tuple[PricedLine, ...]:
    if charge.meter is None:
        return (_fixed_line(terms, charge, period, part),)
    if quantity is None:
        raise InvariantBroken("A usage charge was not measured.", charge_id=str(charge.charge_id))
    return usage_lines(terms, charge, period, quantity, part)


def _enforce(
    terms: PlanTerms,
    charge: ChargeTerms,
    quantity: ChargeQuantity,
    line: PricedLine,
    part: Part,
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
    calculation = calculate_usage(
        charge, billed, quantity.billable_event_count, part.bounds_of(charge)
    )
    return replace(
        marked,
        quantity=billed,
        waived_quantity=_subtract(quantity.billable, billed),
        exact_amount=calculation.amount,
        tiers=calculation.tiers,
        bound=calculation.bound,
        steps=(*_steps_before_price(line), waived, *calculation.steps),
        **calculation.line_values,
    )


def _span_of(line: PricedLine) -> Period:
    assert line.starts_at is not None
    assert line.ends_at is not None
    return Period(starts_at=line.starts_at, ends_at=line.ends_at)


def _steps_before_price(line: PricedLine) -> tuple[CalculationStep, ...]:
    return tuple(takewhile(lambda one: one.name != "price", line.steps))


def _fixed_line(terms: PlanTerms, charge: ChargeTerms, period: Period, part: Part) -> PricedLine:
    share = part.share
    calculation = calculate_fixed(charge, share, part.bounds_of(charge), engine=part.engine)
    label = charge.display_name or terms.name
    return PricedLine(
        type=LineType.FIXED if share.is_whole else LineType.PRORATION,
        currency=terms.currency,
        priced_in=charge.unit,
        overage_rate=charge.overage_rate,
        name=label,
        description=label,
        quantity=ONE,
        exact_amount=calculation.amount,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        charge_id=charge.charge_id,
        model=charge.pricing.model,
        share=share,
        bound=calculation.bound,
        steps=calculation.steps,
        **calculation.line_values,
    )


@exactly
def _subtract(left: Exact, right: Exact) -> Exact:
    return left - right
