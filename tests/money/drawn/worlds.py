"""Worlds to try: what may be sold, and by which settings of the organization."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

from tests.money.model.agreements import Commitment
from tests.money.model.journal import Allowance, Charge, Meter, Opened, Plan
from tests.money.stories.examples import START

POLICIES: Final = ("next_invoice", "credit_note_or_invoice", "ignore")
CARRYING: Final = ("LAST", "MAX", "WEIGHTED_SUM")
ADDITIVE: Final = ("SUM", "COUNT")
OTHERS: Final = ("MIN", "AVG", "UNIQUE_COUNT")

METERS: Final = ("calls", "seats")
PLANS: Final = ("basic", "dear")


def decimals(maximum: int, places: int) -> st.SearchStrategy[Decimal]:
    """Decimals from 0 to ``maximum`` with at most so many places."""
    return st.integers(0, maximum * 10**places).map(lambda one: Decimal(one).scaleb(-places))


@st.composite
def meters(draw: st.DrawFn, name: str) -> Meter:
    """A meter of any kind; those with a level often carry it."""
    aggregation = draw(st.sampled_from((*ADDITIVE, *ADDITIVE, *CARRYING, *OTHERS)))
    carries = aggregation in CARRYING and draw(st.booleans())
    return Meter(name=name, aggregation=aggregation, carries=carries)


@st.composite
def tables(draw: st.DrawFn, *, is_priced: bool) -> list[dict[str, object]]:
    """One to three tiers with whole or broken bounds."""
    widths = draw(st.lists(decimals(12, 1).map(lambda one: one + 1), max_size=2))
    bounds: list[Decimal | None] = []
    reached = Decimal(0)
    for width in widths:
        reached += width
        bounds.append(reached)
    return [
        {
            "up_to": bound,
            "unit_price": draw(decimals(3, 3)) if is_priced else Decimal(0),
            "flat_fee": draw(decimals(5, 2)) if draw(st.booleans()) else Decimal(0),
        }
        for bound in (*bounds, None)
    ]


@st.composite
def pricings(draw: st.DrawFn, aggregation: str) -> dict[str, object]:
    """A price model that fits a meter, as JSON."""
    names = ["per_unit", "per_unit", "graduated", "volume", "stairstep", "package"]
    if aggregation == "SUM":
        names.append("percentage")
    match draw(st.sampled_from(names)):
        case "per_unit":
            return {"model": "per_unit", "unit_price": draw(decimals(3, 3))}
        case "package":
            size = draw(decimals(5, 1)) + 1
            return {"model": "package", "package_size": size, "unit_price": draw(decimals(9, 2))}
        case "percentage":
            fee = draw(decimals(1, 2))
            return {"model": "percentage", "rate": draw(decimals(1, 3)), "fixed_fee": fee}
        case model:
            return {"model": model, "tiers": draw(tables(is_priced=model != "stairstep"))}


@st.composite
def usage_charges(draw: st.DrawFn, meter: Meter) -> Charge:
    """A charge for a meter's usage, seldom with bounds or units of its own."""
    minimum = draw(st.one_of(st.none(), st.none(), decimals(20, 2)))
    room = draw(st.one_of(st.none(), st.none(), decimals(20, 2)))
    return Charge(
        name=meter.name,
        meter=meter.name,
        pricing=draw(pricings(meter.aggregation)),
        included=draw(st.one_of(st.none(), st.none(), decimals(5, 1))),
        minimum=minimum,
        maximum=None if room is None else (minimum or Decimal(0)) + room,
    )


@st.composite
def allowances(draw: st.DrawFn, meter: Meter) -> Allowance:
    """A feature on a meter; where parts can be added up, with windows of any length."""
    resets = None
    if meter.aggregation in ADDITIVE:
        resets = draw(st.sampled_from((None, "day", "week", "month", "year", "year")))
    return Allowance(
        units=draw(decimals(12, 1)),
        meter=meter.name,
        resets=resets,
        is_soft=draw(st.booleans()),
        waives=draw(st.booleans()),
    )


@st.composite
def commitments(draw: st.DrawFn, charges: tuple[Charge, ...]) -> Commitment:
    """What is owed of a term at least, of all charges or of one."""
    return Commitment(
        amount=draw(decimals(60, 0)) + 1,
        charges=draw(st.sampled_from(((), (), *((one.name,) for one in charges)))),
        periods=draw(st.sampled_from((1, 1, 2, 3))),
        factor=draw(st.sampled_from((Decimal(1), Decimal(1), Decimal("1.5"), Decimal("0.5")))),
    )


@st.composite
def plans(draw: st.DrawFn, name: str, known: tuple[Meter, ...], interval: str) -> Plan:
    """A plan that charges some of the meters, and perhaps a fee."""
    charged = [meter for meter in known if draw(st.integers(0, 3)) > 0]
    charges = [draw(usage_charges(meter)) for meter in charged]
    if not charges or draw(st.integers(0, 3)) == 0:
        charges.append(Charge(name="fee", meter=None, amount=draw(decimals(40, 2))))
    limited = [draw(allowances(meter)) for meter in charged if draw(st.booleans())]
    is_committed = draw(st.integers(0, 3)) == 0
    return Plan(
        name=name,
        interval=interval,
        charges=tuple(charges),
        allowances=tuple(limited),
        commitment=draw(commitments(tuple(charges))) if is_committed else None,
    )


@st.composite
def worlds(draw: st.DrawFn, policies: tuple[str, ...] = POLICIES) -> Opened:
    """An organization, its catalogue and a customer on a clock that stands early in 2025."""
    known = tuple(draw(meters(name)) for name in METERS[: draw(st.integers(1, 2))])
    interval = draw(st.sampled_from(("month", "month", "week")))
    return Opened(
        at=draw(instants(START, 31)),
        meters=known,
        plans=tuple(draw(plans(name, known, interval)) for name in PLANS),
        late_usage=draw(st.sampled_from(policies)),
        grace_minutes=draw(st.sampled_from((60, 60, 0, 1440))),
        proration=draw(st.sampled_from(("day", "day", "second"))),
        places=draw(st.sampled_from((2, 2, 2, 0, 3))),
    )


@st.composite
def instants(draw: st.DrawFn, since: datetime, days: int) -> datetime:
    """An instant within so many days, mostly at midnight or a full hour, seldom at a ragged one."""
    kind = draw(st.integers(0, 3))
    if kind < 2:  # midnight
        return since + timedelta(days=draw(st.integers(0, days - 1)))
    if kind == 2:
        return since + timedelta(hours=draw(st.integers(0, 24 * days - 1)))
    return since + timedelta(seconds=draw(st.integers(0, 86_400 * days - 1)))
