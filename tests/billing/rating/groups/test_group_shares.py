"""Groups of usage: how they are called, and how allowance and limit are shared among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.per_unit import PerUnit
from billing.rating.groups import (
    Group,
    GroupedWindow,
    Grouping,
    GroupKind,
    GroupPrice,
    GroupQuantity,
    GroupUsage,
    split_windows,
)
from billing.ratios import Exact, Ratio, add_up
from tests.billing.builders import PER_CALL, d
from tests.billing.profiles import supporting

NAMED, OTHERS, MISSING = GroupKind


def grouping(*values: str, properties: tuple[str, ...] = ("model",)) -> Grouping:
    """Prices of these values; those of two properties are written with a stroke."""
    return Grouping(
        properties=properties,
        prices=tuple(
            GroupPrice(values=tuple(one.split("/")), pricing=PerUnit(unit_price=d(place + 2)))
            for place, one in enumerate(values)
        ),
    )


MODELS = grouping("large", "small")


def used(name: str, amount: str | Exact, events: int = 1) -> GroupUsage:
    kinds = {"others": OTHERS, "missing": MISSING}
    return GroupUsage(
        kind=kinds.get(name, NAMED),
        values=() if name in kinds else tuple(name.split("/")),
        aggregate=d(amount) if isinstance(amount, str) else amount,
        event_count=events,
    )


def window(*usage: GroupUsage, included: str = "0", over: str = "0") -> GroupedWindow:
    return GroupedWindow(usage=usage, included=d(included), over_limit=d(over))


def shown(found: tuple[GroupQuantity, ...]) -> list[tuple[str, Exact, Exact, Exact, Exact]]:
    """Of each group what is measured, included, billed, and billed within the limit."""
    return [
        (one.group.label, one.measured, one.included, one.billable, one.billable_within_limit)
        for one in found
    ]


@pytest.mark.parametrize(
    ("kind", "properties", "values", "label"),
    [
        (NAMED, ("model",), ("large",), "large"),
        (NAMED, ("model", "region"), ("large", "eu"), "large · eu"),
        (OTHERS, ("model",), (), "other model"),
        (OTHERS, ("model", "region"), (), "other model · region"),
        (MISSING, ("model",), (), "no model"),
        (MISSING, ("model", "region"), (), "no model · region"),
    ],
)
def test_a_line_says_which_group_it_is_of(
    kind: GroupKind, properties: tuple[str, ...], values: tuple[str, ...], label: str
) -> None:
    assert Group(properties=properties, kind=kind, values=values).label == label


def test_groups_stand_as_their_prices_then_other_values_then_none() -> None:
    assert [one.label for one in MODELS.groups()] == ["large", "small", "other model", "no model"]


def test_each_group_has_its_price_and_the_rest_the_default_one() -> None:
    found = [MODELS.pricing_of(one, PER_CALL) for one in MODELS.groups()]

    assert found == [PerUnit(unit_price=d(2)), PerUnit(unit_price=d(3)), PER_CALL, PER_CALL]


def test_the_documented_example() -> None:
    found = split_windows(
        MODELS, [window(used("large", "700"), used("small", "600"), included="1000")]
    )

    assert shown(found) == [("large", 700, 700, 0, 0), ("small", 600, 300, 300, 300)]


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        pytest.param([], [("other model", 0, 0, 0, 0)], id="no window"),
        pytest.param([window()], [("other model", 0, 0, 0, 0)], id="no usage"),
        pytest.param(
            [window(used("small", "5"))], [("small", 5, 0, 5, 5)], id="no allowance"
        ),
        pytest.param(
            [window(used("missing", "5"), used("large", "3"), included="4")],
            [("large", 3, 3, 0, 0), ("no model", 5, 1, 4, 4)],
            id="what lacks the property comes last",
        ),
        pytest.param(
            [window(used("tiny", "5"), used("others", "2"), included="1")],
            [("other model", 7, 1, 6, 6)],
            id="a value without a price is another",
        ),
        pytest.param(
            [window(used("large", "5"), used("small", "5"), over="3")],
            [("large", 5, 0, 5, 5), ("small", 5, 0, 5, 2)],
            id="what is over is of the last group",
        ),
        pytest.param(
            [window(used("large", "5"), used("small", "5"), over="7")],
            [("large", 5, 0, 5, 3), ("small", 5, 0, 5, 0)],
            id="and then of the one before",
        ),
        pytest.param(
            [window(used("large", "5"), used("small", "5"), included="6", over="4")],
            [("large", 5, 5, 0, 0), ("small", 5, 1, 4, 0)],
            id="included up to the limit",
        ),
        pytest.param(
            [window(used("large", "5"), included="5"), window(used("large", "5"))],
            [("large", 10, 5, 5, 5)],
            id="each window has its allowance",
        ),
        pytest.param(
            [window(used("small", "1")), window(used("large", "1"))],
            [("large", 1, 0, 1, 1), ("small", 1, 0, 1, 1)],
            id="in the order of prices, not of use",
        ),
        pytest.param(
            [window(used("large", Ratio(1, 3)), used("small", Ratio(2, 3)), included="0.5")],
            [("large", Ratio(1, 3), Ratio(1, 3), 0, 0),
             ("small", Ratio(2, 3), Ratio(1, 6), d("0.5"), d("0.5"))],
            id="thirds",
        ),
    ],
)  # fmt: skip
def test_allowance_comes_off_the_first_groups_and_the_limit_off_the_last(
    windows: list[GroupedWindow], expected: list[tuple[str, Exact, Exact, Exact, Exact]]
) -> None:
    assert shown(split_windows(MODELS, windows)) == expected


def test_events_are_counted_by_group() -> None:
    found = split_windows(
        MODELS,
        [
            window(used("large", "1", events=3), used("tiny", "1", events=5)),
            window(used("large", "1", events=4), used("others", "1", events=6)),
        ],
    )

    assert [(one.group.label, one.event_count) for one in found] == [
        ("large", 7), ("other model", 11),
    ]  # fmt: skip


def test_two_properties_are_one_value_together() -> None:
    both = grouping("large/eu", "large/us", properties=("model", "region"))

    found = split_windows(
        both, [window(used("large/us", "2"), used("large/asia", "3"), used("missing", "4"))]
    )

    assert [(one.group.label, one.measured) for one in found] == [
        ("large · us", 2), ("other model · region", 3), ("no model · region", 4),
    ]  # fmt: skip


names = st.sampled_from(["large", "small", "tiny", "others", "missing"])


@supporting
@given(
    usage=st.dictionaries(names, st.integers(1, 30), max_size=5),
    included=st.integers(0, 60),
    over=st.integers(0, 60),
)
def test_groups_are_filled_unit_by_unit(usage: dict[str, int], included: int, over: int) -> None:
    """Units stand in a row, group by group: the first are included, the last are over."""
    place = {"large": 0, "small": 1, "tiny": 2, "others": 2, "missing": 3}
    row = sorted(place[name] for name, amount in usage.items() for _ in range(amount))
    included, over = min(included, len(row)), min(over, len(row))

    found = split_windows(
        MODELS,
        [window(*(used(name, str(n)) for name, n in usage.items()),
                included=str(included), over=str(over))],
    )  # fmt: skip

    if not row:
        return
    order = [place[{OTHERS: "others", MISSING: "missing"}.get(one.group.kind, one.group.label)]
             for one in found]  # fmt: skip
    assert order == sorted(set(row))
    for at, one in zip(order, found, strict=True):
        assert one.measured == row.count(at)
        assert one.included == row[:included].count(at)
        assert one.over_limit == row[len(row) - over :].count(at)
        assert one.billable == one.measured - one.included
        within = row[: len(row) - over].count(at)
        assert one.billable_within_limit == max(0, within - one.included)


@supporting
@given(
    first=st.dictionaries(names, st.integers(1, 30), max_size=5),
    second=st.dictionaries(names, st.integers(1, 30), max_size=5),
)
def test_two_windows_come_to_the_sum_of_both(first: dict[str, int], second: dict[str, int]) -> None:
    windows = [
        window(*(used(name, str(n)) for name, n in usage.items()), included="10")
        for usage in (first, second)
        if sum(usage.values()) >= 10
    ]

    together = split_windows(MODELS, windows)

    apart = [one for each in windows for one in split_windows(MODELS, [each])]
    for one in together:
        parts = [part for part in apart if part.group == one.group]
        assert one.measured == add_up(part.measured for part in parts)
        assert one.billable == add_up(part.billable for part in parts)
        assert one.event_count == sum(part.event_count for part in parts)


def test_the_same_group_of_two_windows_is_added_field_by_field() -> None:
    group = MODELS.groups()[0]
    one, two = (
        GroupQuantity(
            group=group, measured=d(n), included=d(10 * n), billable=d(100 * n),
            over_limit=d(1000 * n), billable_within_limit=d(10_000 * n), event_count=n,
        )
        for n in (1, 2)
    )  # fmt: skip

    found = one.plus(two)

    assert (found.group, found.event_count) == (group, 3)
    assert (found.measured, found.included, found.billable) == (3, 30, 300)
    assert (found.over_limit, found.billable_within_limit) == (3000, 30_000)
