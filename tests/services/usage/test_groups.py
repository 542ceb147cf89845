"""Usage by properties: roll-ups, raw events and the definition agree, whenever prices name it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.metering.filters import find_property
from billing.money import exactly
from billing.periods import Period
from billing.rating.groups import GroupKind, GroupUsage
from billing.rating.quantities import MeteredUsage
from models.base import new_id
from services.usage.measure import look_at_usage, measure_usage, recompute_usage
from services.usage.rollups import rebuild_rollups, verify_rollups
from tests.billing.profiles import IS_DEEP
from tests.services.shop import Shop
from tests.services.usage.test_cuts import cut
from tests.services.usage.windows import add_customer, facts, moments, period_of, window
from tests.services.usage_facts import Fact, store_events

NAMED = {("large", "eu"), ("7", "true")}
PROPERTIES = ("model", "place.region")
PRICES = [{"values": list(one), "unit_price": Decimal("0.5")} for one in sorted(NAMED)]

said = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["large", "small", 7, "7", Decimal("7.00"), None, "", ["large"]]),
        "place": st.sampled_from([{"region": "eu"}, {"region": True}, {"other": 1}, ["eu"]]),
        "place.region": st.sampled_from(["eu", "us", None]),
    },
)
told = st.builds(
    lambda fact, meta_data: replace(fact, meta_data=meta_data), facts, st.one_of(st.none(), said)
)


@pytest.mark.parametrize("named_at", ["before", "between", "after"])
@settings(
    max_examples=200 if IS_DEEP else 12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    stored=st.lists(told, max_size=20),
    edges=st.lists(moments, min_size=2, max_size=4, unique=True),
    at=moments,
)
def test_groups_from_roll_ups_and_from_events_are_what_the_events_say(
    shop: Shop, named_at: str, stored: list[Fact], edges: list[datetime], at: datetime
) -> None:
    meter = shop.add_meter(f"meter_{new_id()}")
    plan = shop.add_plan(f"plan_{new_id()}")
    customer_id = add_customer(shop)
    terms = {"group_by": PROPERTIES, "group_prices": PRICES, "unit_price": Decimal(1)}
    if named_at == "before":
        shop.add_usage_charge(plan, meter.id, **terms)
    store_events(
        shop, customer_id, meter.id, [replace(one, meta_data=plain(one)) for one in stored]
    )
    if named_at == "between":
        shop.read(rebuild_rollups)
    if named_at != "before":
        shop.add_usage_charge(plan, meter.id, **terms)
    if named_at != "between":
        shop.read(rebuild_rollups)
    windows = [
        replace(window(meter, *pair), group_by=PROPERTIES) for pair in pairwise(sorted(edges))
    ]

    frozen = shop.read(measure_usage, customer_id, windows)
    looked = shop.read(look_at_usage, customer_id, windows)
    recomputed = shop.read(recompute_usage, customer_id, windows, frozen.watermark)

    for usage in (frozen.usage, looked.usage, recomputed):
        assert [groups_of(one) for one in usage] == [
            expected(stored, period_of(one)) for one in windows
        ]
    assert shop.read(verify_rollups).is_equal
    cuts = shop.read(cut, customer_id, frozen.usage, [at], frozen.watermark)
    for one, before in zip(windows, cuts[0].usage, strict=True):
        until = min(max(at, one.starts_at), one.ends_at)
        assert groups_of(before) == expected(stored, Period(starts_at=one.starts_at, ends_at=until))


def test_a_value_that_a_later_price_names_is_told_apart_in_hours_before_it(shop: Shop) -> None:
    meter, plan, customer_id = shop.add_meter(), shop.add_plan(), add_customer(shop)
    add = {"group_by": ("model",), "unit_price": Decimal(1)}
    shop.add_usage_charge(plan, meter.id, group_prices=[price("large")], **add)
    at = datetime.fromisoformat("2026-03-01T10:30:00Z")
    stored = [Fact(at=at, meta_data={"model": model}) for model in ("large", "small", "tiny")]
    store_events(shop, customer_id, meter.id, stored)
    shop.read(rebuild_rollups)

    other = shop.add_plan("other")
    shop.add_usage_charge(other, meter.id, group_prices=[price("small")], **add)

    day = replace(window(meter, at.replace(hour=0), at.replace(hour=23)), group_by=("model",))
    [measured] = shop.read(measure_usage, customer_id, [day]).usage
    assert groups_of(measured) == {
        (GroupKind.NAMED, ("large",)): (1, 1),
        (GroupKind.NAMED, ("small",)): (1, 1),
        (GroupKind.OTHERS, ()): (1, 1),
    }


def price(model: str) -> dict[str, object]:
    return {"values": [model], "unit_price": Decimal("0.5")}


def plain(fact: Fact) -> dict[str, object] | None:
    """What the event says as JSON that the driver writes: 7.00 is 7 there."""
    if fact.meta_data is None:
        return None
    return {
        key: int(value) if isinstance(value, Decimal) else value
        for key, value in fact.meta_data.items()
    }


def groups_of(usage: MeteredUsage) -> dict[object, object]:
    assert usage.aggregate == total(usage.groups)
    return {(one.kind, one.values): (one.aggregate, one.event_count) for one in usage.groups}


@exactly
def total(groups: Sequence[GroupUsage]) -> Decimal:
    return sum((Decimal(str(one.aggregate)) for one in groups), Decimal(0))


@exactly
def expected(stored: Sequence[Fact], period: Period) -> dict[object, object]:
    """What the definition makes of the events: a naive second telling of the rules."""
    found: dict[object, list[Decimal]] = defaultdict(list)
    for fact in stored:
        if not fact.counted or fact.paused or fact.correction == "void" or fact.at not in period:
            continue
        values = tuple(text_of(find_property(fact.meta_data or {}, one)) for one in PROPERTIES)
        if None in values:
            key: object = (GroupKind.MISSING, ())
        else:
            key = (GroupKind.NAMED, values) if values in NAMED else (GroupKind.OTHERS, ())
        amended = fact.correction if isinstance(fact.correction, Decimal) else fact.value
        found[key].append(amended)
    return {key: (sum(values, Decimal(0)), len(values)) for key, values in found.items()}


def text_of(value: object) -> str | None:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return value or None
        case int() | Decimal():
            return str(int(value))
    return None
