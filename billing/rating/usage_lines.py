"""Usage lines: what a charge's measured usage becomes on a bill, one line or one for each group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from billing.errors import InvariantBroken
from billing.metering.aggregations import MeterTerms
from billing.money import ONE, ZERO, exactly
from billing.periods import Period
from billing.pricing import Price
from billing.rating.calculation import Calculation, calculate_usage, group_steps, measuring_steps
from billing.rating.charge_bounds import Bounds, held_amount, move
from billing.rating.groups import Group, GroupQuantity
from billing.rating.lines import CalculationStep, LineType, PricedLine, step
from billing.rating.parts import Part
from billing.rating.quantities import ChargeQuantity
from billing.rating.terms import ChargeTerms, OverLimit, PlanTerms, find_allowance
from billing.ratios import Exact, add_up, as_decimal
from billing.units import Unit, currency_unit


def usage_lines(
    terms: PlanTerms, charge: ChargeTerms, period: Period, quantity: ChargeQuantity, part: Part
) -> tuple[PricedLine, ...]:
    """Give the lines of a USAGE charge: one, or one for each group that was used.

    A group is priced by its own price. Minimum and maximum are of the whole charge.
    """
    if charge.grouping is not None:
        lines = [_group_line(terms, charge, period, one) for one in quantity.groups]
        return _hold_together(charge, lines, part)
    meter = _meter_of(charge)
    calculation = calculate_usage(
        charge, quantity.billable, quantity.billable_event_count, part.bounds_of(charge)
    )
    line = _line(terms, charge, period, quantity, calculation)
    return (replace(line, steps=(*measuring_steps(meter, quantity), *calculation.steps)),)


def enforced_group_lines(
    terms: PlanTerms, charge: ChargeTerms, period: Period, quantity: ChargeQuantity, part: Part
) -> tuple[PricedLine, ...]:
    """Give the lines of a grouped charge whose hard limit was passed: marked, or priced without.

    Source: CONTRACT 11, 42; what is over the limit is of the last groups.
    """
    allowance = find_allowance(terms, charge)
    is_waived = allowance.over_limit is OverLimit.WAIVE
    lines = []
    for one in quantity.groups:
        if one.over_limit == ZERO:
            lines.append(_group_line(terms, charge, period, one))
            continue
        line = _group_line(terms, charge, period, one, is_waived=is_waived)
        lines.append(replace(line, limit_exceeded=True, over_limit_quantity=one.over_limit))
    return _hold_together(charge, lines, part)


def _group_line(
    terms: PlanTerms,
    charge: ChargeTerms,
    period: Period,
    quantity: GroupQuantity,
    *,
    is_waived: bool = False,
) -> PricedLine:
    billed = quantity.billable_within_limit if is_waived else quantity.billable
    calculation = calculate_usage(
        charge, billed, quantity.event_count, pricing=charge.pricing_of(quantity.group)
    )
    waived: tuple[CalculationStep, ...] = ()
    if is_waived:
        waived = (
            step(
                "waive_over_limit",
                billed,
                billable=quantity.billable,
                over_limit=quantity.over_limit,
                hard_limit=find_allowance(terms, charge).hard_limit,
            ),
        )
    line = _line(terms, charge, period, quantity, calculation, group=quantity.group)
    return replace(
        line,
        quantity=billed,
        waived_quantity=_subtract(quantity.billable, billed) if is_waived else None,
        steps=(*group_steps(_meter_of(charge), quantity), *waived, *calculation.steps),
    )


def _line(
    terms: PlanTerms,
    charge: ChargeTerms,
    period: Period,
    quantity: ChargeQuantity | GroupQuantity,
    calculation: Calculation,
    *,
    group: Group | None = None,
) -> PricedLine:
    meter = _meter_of(charge)
    of_group = "" if group is None else f" · {group.label}"
    pricing = charge.pricing if group is None else charge.pricing_of(group)
    return PricedLine(
        type=LineType.USAGE,
        currency=terms.currency,
        priced_in=charge.unit,
        overage_rate=charge.overage_rate,
        name=meter.name + of_group,
        description=(charge.display_name or meter.name) + of_group,
        quantity=quantity.billable,
        exact_amount=calculation.amount,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        charge_id=charge.charge_id,
        meter_id=meter.meter_id,
        model=pricing.model,
        unit=meter.unit,
        unit_code=meter.unit_code,
        event_count=(
            quantity.billable_event_count
            if isinstance(quantity, ChargeQuantity)
            else quantity.event_count
        ),
        usage_quantity=quantity.measured,
        included_quantity=quantity.included,
        bound=calculation.bound,
        tiers=calculation.tiers,
        group=group,
        **calculation.line_values,
    )


def _hold_together(
    charge: ChargeTerms, lines: Sequence[PricedLine], part: Part
) -> tuple[PricedLine, ...]:
    """The lines of a charge's groups within its minimum and maximum, which are of all of them.

    Where the charge has any, its lines come to what one line for all would round to, shared out in
    proportion to what the groups cost; a minimum of nothing is of the first group.
    """
    bounds = part.bounds_of(charge)
    if bounds is None:
        return tuple(lines)
    unit = charge.unit or currency_unit(lines[0].currency)
    total, rounded = _sums(lines, unit)
    wanted, rule = held_amount(total, bounds)
    whole = unit.round(wanted)
    if whole == rounded and wanted == total:
        return tuple(lines)
    weights = [as_decimal(line.exact_amount) for line in lines]
    if not any(weights):
        weights[0] = ONE
    shares = unit.share(whole, tuple(weights))
    return tuple(
        _moved(line, share, rule, bounds) for line, share in zip(lines, shares, strict=True)
    )


@exactly
def _sums(lines: Sequence[PricedLine], unit: Unit) -> tuple[Exact, Exact]:
    rounded = sum((unit.round(line.exact_amount) for line in lines), ZERO)
    return add_up(line.exact_amount for line in lines), rounded


def _moved(line: PricedLine, amount: Exact, rule: str | None, bounds: Bounds) -> PricedLine:
    if line.exact_amount == amount:
        return line
    name = rule or "rounding"
    price = Price(amount=line.exact_amount, tiers=line.tiers)
    moved = move(price, line.quantity, amount, name)
    shown = step(
        name,
        amount,
        amount=line.exact_amount,
        minimum=bounds.minimum,
        maximum=bounds.maximum,
        of_all_groups="yes",
    )
    return replace(
        line,
        exact_amount=moved.amount,
        tiers=moved.tiers,
        bound=rule,
        steps=(*line.steps, shown),
    )


def _meter_of(charge: ChargeTerms) -> MeterTerms:
    if charge.meter is None:
        raise InvariantBroken("A charge without a meter has no usage.")
    return charge.meter


@exactly
def _subtract(left: Exact, right: Exact) -> Exact:
    return left - right
