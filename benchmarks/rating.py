"""P13: how many periods one core rates a second, and what a long tier table costs.

    python -m benchmarks.rating

Rating is pure, so there is no limit of another system to compare with: the goals are 20,000 periods
a second for one graduated charge, and a table of 1,000 tiers at most 3 times as slow as one of 3,
with the quantity in the last tier of both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from statistics import median
from time import process_time
from typing import TypedDict
from uuid import UUID

from billing.identifiers import ChargeId, MeterId, PlanId
from billing.metering.aggregations import Aggregation, MeterTerms
from billing.periods import Anchor, Interval, period
from billing.pricing import Tier
from billing.pricing.graduated import Graduated
from billing.rating.periods import ChargeTerms, ChargeType, PlanTerms, PlanType, rate_period
from billing.rating.quantities import MeteredUsage, usage_windows

PERIODS_A_ROUND = 4_000
ROUNDS = 7


class Result(TypedDict):
    """One measured figure beside its limit; ``ratio`` is value over limit."""

    id: str
    name: str
    value: float
    unit: str
    limit: float
    ratio: float
    goal: str
    met: bool


def measure() -> list[Result]:
    """Measure both goals of P13, rounds alternating, median of seven."""
    short, long = _rate_with(3), _rate_with(1_000)
    speeds = [(_periods_a_second(short), _periods_a_second(long)) for _ in range(ROUNDS)]
    fast = median(speed for speed, _ in speeds)
    slowdown = median(one / other for one, other in speeds)
    return [
        Result(
            id="P13a",
            name="periods rated a second, one graduated charge of 3 tiers",
            value=round(fast),
            unit="periods/s",
            limit=20_000,
            ratio=round(fast / 20_000, 2),
            goal=">= 20,000 periods/s a core",
            met=fast >= 20_000,
        ),
        Result(
            id="P13b",
            name="1,000 tiers against 3 tiers, time per period",
            value=round(slowdown, 2),
            unit="times",
            limit=3,
            ratio=round(slowdown / 3, 2),
            goal="<= 3 times",
            met=slowdown <= 3,
        ),
    ]


def _rate_with(tier_count: int) -> Callable[[], object]:
    terms = _plan(tier_count)
    anchor = Anchor(starts_at=datetime(2025, 1, 1, tzinfo=UTC))
    january = period(anchor, terms.cadence, 0)
    (window,) = usage_windows(terms, january, anchor)
    usage = [
        MeteredUsage(
            charge_id=window.charge_id,
            window=window,
            aggregate=Decimal(1_000 * tier_count + 1),
            event_count=12_345,
        )
    ]
    return lambda: rate_period(terms, january, usage)


def _plan(tier_count: int) -> PlanTerms:
    meter = MeterTerms(
        meter_id=MeterId(UUID(int=1)),
        name="API Calls",
        aggregation=Aggregation.SUM,
        unit="calls",
    )
    charge = ChargeTerms(
        charge_id=ChargeId(UUID(int=2)),
        type=ChargeType.USAGE,
        pricing=Graduated(tiers=_tiers(tier_count)),
        meter=meter,
    )
    return PlanTerms(
        plan_id=PlanId(UUID(int=3)),
        version=1,
        name="Pay as you go",
        type=PlanType.USAGE,
        currency="USD",
        interval=Interval.MONTH,
        charges=(charge,),
    )


def _tiers(count: int) -> tuple[Tier, ...]:
    return tuple(
        Tier(
            up_to=None if place == count else Decimal(1_000 * place),
            unit_price=Decimal(count - place + 1).scaleb(-4),
        )
        for place in range(1, count + 1)
    )


def _periods_a_second(rate: Callable[[], object]) -> float:
    # Processor time: the goal is per core, and other programs must not count.
    started = process_time()
    for _ in range(PERIODS_A_ROUND):
        rate()
    return PERIODS_A_ROUND / (process_time() - started)


def _print(results: Sequence[Result]) -> None:
    for one in results:
        verdict = "met" if one["met"] else "MISSED"
        print(
            f"{one['id']}  {one['name']}: {one['value']:,} {one['unit']} ({one['goal']}) {verdict}"
        )


if __name__ == "__main__":
    _print(measure())
