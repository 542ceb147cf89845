"""What the documentation says of prices, periods and limits, checked cell by cell."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from billing.entitlements import crossed_thresholds, decide_access
from billing.errors import InvalidInput
from billing.periods import Alignment, Anchor, Cadence, Interval, Period, boundary, period
from billing.pricing import Price, parse_pricing
from billing.pricing.per_unit import PerUnit
from billing.rating.charge_bounds import Bounds, EarlierParts, hold
from billing.rating.parts import Part, add_part, without_bounds
from billing.rating.periods import rate_period
from billing.rating.proration import ProrationBasis, Share, share_of
from billing.rating.quantities import measure_quantities
from billing.rating.terms import FeatureTerms, OverLimit
from tests.billing.builders import (
    ANCHOR,
    JANUARY,
    USD,
    answer,
    limit,
    plan,
    usage_charge,
    utc,
)
from tests.billing.markdown_tables import Row

Cells = dict[str, str]


Check = Callable[[Row], None]


def number(text: str) -> Decimal:
    """Read a number as people write it: 1,000 and a real minus sign."""
    return Decimal(text.replace(",", "").replace("−", "-"))


def maybe(text: str) -> Decimal | None:
    return number(text) if text else None


def listed(text: str) -> list[Decimal]:
    return [number(one) for one in text.split(", ")] if text else []


def exact(text: str) -> object:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def check_price(row: Row) -> None:
    pricing = parse_pricing(exact(row.json_above or ""))
    events = int(row.cells.get("events", "0"))

    price = pricing.price(number(row.cells["quantity"]), events)

    assert price.amount == number(row.cells["amount"])


def check_bounds(row: Row) -> None:
    cells = row.cells

    held = hold(
        Price(amount=number(cells["model amount"])),
        Decimal(1),
        Bounds(minimum=maybe(cells["minimum"]), maximum=maybe(cells["maximum"])),
    )

    assert held.price.amount == number(cells["amount"])


def check_parts(row: Row) -> None:
    terms = plan(
        replace(
            usage_charge(PerUnit(unit_price=Decimal(1))),
            minimum=maybe(row.cells["minimum"]),
            maximum=maybe(row.cells["maximum"]),
        )
    )
    earlier: tuple[EarlierParts, ...] = ()
    billed = []
    for days, usage in zip(listed(row.cells["days"]), listed(row.cells["usage"]), strict=True):
        part = Part(share=Share(covered=int(days), total=31), earlier=earlier)
        used = answer(terms, JANUARY, [usage])
        lines = rate_period(terms, JANUARY, used, part)
        unbounded = rate_period(without_bounds(terms), JANUARY, used, part)
        earlier = add_part(earlier, lines, unbounded, part.share)
        billed.append(USD.round(lines[0].exact_amount))

    assert billed == listed(row.cells["billed"])


def check_refused(row: Row) -> None:
    with pytest.raises(InvalidInput, match=row.cells["reason"]) as refused:
        parse_pricing({"tiers": exact(row.cells["tiers"])})

    assert refused.value.field == row.cells["field"]


def _boundary(cells: Cells, alignment: Alignment) -> datetime:
    anchor = Anchor(starts_at=utc(cells["start"]), timezone=cells["zone"], alignment=alignment)
    cadence = Cadence(interval=Interval(cells["interval"]), count=int(cells["count"]))
    return boundary(anchor, cadence, int(cells["n"]))


def check_boundary(row: Row) -> None:
    assert _boundary(row.cells, Alignment.START) == utc(row.cells["boundary"])


def check_calendar_boundary(row: Row) -> None:
    assert _boundary(row.cells, Alignment.CALENDAR) == utc(row.cells["boundary"])


def check_proration(row: Row) -> None:
    cells = row.cells

    share = share_of(
        Period(starts_at=utc(cells["from"]), ends_at=utc(cells["to"])),
        Period(starts_at=utc(cells["regular from"]), ends_at=utc(cells["regular to"])),
        timezone=cells["zone"],
        basis=ProrationBasis(cells["by"]),
    )

    assert Fraction(share.covered, share.total) == Fraction(cells["share"])
    assert str(USD.round(share.of(number(cells["amount"])))) == cells["rounded"]


def _feature(cells: Cells) -> FeatureTerms:
    feature = limit(
        soft=cells["limit"] == "soft", over=OverLimit(cells.get("over_limit") or "bill")
    )
    return replace(feature, usage_limit=maybe(cells["usage_limit"]))


def check_limits(row: Row) -> None:
    cells = row.cells
    charge = replace(usage_charge(), included_units=maybe(cells["included_units"]))
    terms = plan(charge, features=[_feature(cells)] if cells["limit"] else [])

    (line,) = rate_period(terms, JANUARY, answer(terms, JANUARY, [number(cells["usage"])]))

    assert line.usage_quantity == number(cells["measured"])
    assert line.included_quantity == number(cells["included"])
    assert line.quantity == number(cells["billed"])
    assert line.exact_amount == number(cells["amount"])
    assert line.over_limit_quantity == maybe(cells["over the limit"])
    assert line.limit_exceeded is bool(cells["over the limit"])


def check_windows(row: Row) -> None:
    terms = plan(usage_charge(), features=[limit("1000")], interval=Interval.QUARTER)
    quarter = period(ANCHOR, terms.cadence, 0)
    usage = [number(row.cells[f"{name} month"]) for name in ("first", "second", "third")]

    (quantity,) = measure_quantities(terms, quarter, answer(terms, quarter, usage))

    assert quantity.included == number(row.cells["included"])
    assert quantity.billable == number(row.cells["billed"])


def check_shared_window(row: Row) -> None:
    terms = plan(usage_charge(), features=[limit("1000", reset=Interval.YEAR)])
    march = period(ANCHOR, terms.cadence, 2)
    usage = [number(row.cells["used before"]), number(row.cells["used this month"])]

    (quantity,) = measure_quantities(terms, march, answer(terms, march, usage))

    assert quantity.included == number(row.cells["included"])
    assert quantity.billable == number(row.cells["billed"])


def check_access(row: Row) -> None:
    answered = decide_access(_feature(row.cells), usage=number(row.cells["usage"]))

    assert answered.has_access is (row.cells["has_access"] == "true")
    assert answered.remaining == maybe(row.cells["remaining"])


def check_thresholds(row: Row) -> None:
    told = crossed_thresholds(
        maybe(row.cells["usage_limit"]), number(row.cells["before"]), number(row.cells["after"])
    )

    assert list(told) == listed(row.cells["told"])
