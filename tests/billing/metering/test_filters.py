"""Filters: which events count (CONTRACT 12)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.errors import InvalidInput
from billing.metering.filters import (
    Filter,
    FilterValue,
    Operator,
    filter_document,
    find_property,
    matches_all,
    parse_filters,
)

EVENT: dict[str, object] = {
    "region": "eu-west", "size": 5, "text_size": "5.0", "ratio": Decimal("0.5"), "beta": True,
    "tags": ["a", "7", 8], "nothing": None, "blank": "",
    "version": "1.1", "padded": "007", "exponent": "1e3", "word": "true", "Word": "True",
    "count": 1000, "tiny": Decimal("1E-25"),
    "records": {"amount": 3, "by": {"region": "eu"}, "none": None}, "flat.name": "whole",
    "flat": {"name": "nested"}, "gone.on": None, "gone": {"on": 1},
}  # fmt: skip

CASES: list[tuple[str, str, FilterValue, bool]] = [
    ("region", "eq", "eu-west", True), ("region", "eq", "EU-WEST", False),
    ("region", "eq", "5", False), ("size", "eq", "5", True), ("size", "eq", "5.00", True),
    ("size", "eq", "6", False), ("text_size", "eq", "5", False),
    ("text_size", "eq", Decimal(5), True), ("ratio", "eq", ".5", True),
    ("beta", "eq", True, True), ("beta", "eq", False, False), ("beta", "eq", "true", True),
    ("size", "eq", True, False), ("absent", "eq", "x", False), ("nothing", "eq", "x", False),
    ("blank", "eq", "", True),
    ("region", "ne", "us", True), ("region", "ne", "eu-west", False), ("absent", "ne", "x", True),
    ("nothing", "ne", "x", True), ("size", "ne", "5.0", False),
    ("region", "in", ("us", "eu-west"), True), ("region", "in", ("us",), False),
    ("size", "in", ("4", "5"), True), ("absent", "in", ("x",), False),
    ("region", "not_in", ("us",), True), ("region", "not_in", ("eu-west",), False),
    ("absent", "not_in", ("x",), True), ("size", "not_in", ("5",), False),
    ("size", "gt", "4", True), ("size", "gt", "5", False), ("size", "gte", "5", True),
    ("size", "gte", "5.01", False), ("size", "lt", "5", False), ("size", "lt", "5.01", True),
    ("size", "lte", "5", True), ("size", "lte", "4", False), ("region", "gt", "1", False),
    ("text_size", "gt", "4.9", True), ("beta", "gte", "0", False), ("absent", "lt", "9", False),
    ("region", "contains", "west", True), ("region", "contains", "east", False),
    ("tags", "contains", "a", True), ("tags", "contains", "8", True),
    ("tags", "contains", "9", False),
    ("size", "contains", "5", False), ("region", "contains", True, False),
    ("absent", "contains", "a", False),
    ("region", "exists", True, True), ("region", "exists", None, True),
    ("region", "exists", False, False), ("absent", "exists", True, False),
    ("nothing", "exists", True, False), ("nothing", "exists", False, True),
    ("absent", "exists", False, True), ("blank", "exists", True, True),
    ("version", "eq", "1.10", False), ("version", "ne", "1.10", True),
    ("version", "eq", "1.1", True),
    ("version", "eq", Decimal("1.10"), True), ("version", "in", ("1.10", "1.2"), False),
    ("padded", "eq", "7", False), ("padded", "eq", Decimal(7), True),
    ("exponent", "eq", "1000", False), ("exponent", "eq", Decimal(1000), True),
    ("count", "eq", "1e3", True), ("count", "in", ("1e3",), True),
    ("count", "not_in", ("1e3",), False),
    ("word", "eq", True, True), ("word", "ne", True, False), ("word", "eq", False, False),
    ("Word", "eq", True, False), ("beta", "eq", "True", False), ("beta", "eq", Decimal(1), False),
    ("size", "eq", "true", False), ("tiny", "eq", Decimal("0.0000000000000000000000001"), True),
    ("records.amount", "eq", Decimal(3), True), ("records.amount", "gt", "2", True),
    ("records.by.region", "eq", "eu", True), ("records.by.region.x", "exists", False, True),
    ("records.none", "ne", "x", True), ("records.absent", "not_in", ("x",), True),
    ("flat.name", "eq", "whole", True), ("flat.name", "eq", "nested", False),
    ("gone.on", "exists", False, True), ("records", "eq", "x", False), ("records", "ne", "x", True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "operator", "value", "passes"), CASES)
def test_operators(name: str, operator: str, value: FilterValue, passes: bool) -> None:
    one = Filter(property=name, operator=Operator(operator), value=value)

    assert one.matches(EVENT) is passes


def test_all_filters_must_match() -> None:
    passing = Filter(property="size", operator=Operator.GT, value="1")
    failing = Filter(property="size", operator=Operator.GT, value="9")

    assert matches_all([], EVENT)
    assert matches_all([passing, passing], EVENT)
    assert not matches_all([passing, failing], EVENT)


def test_filters_survive_their_json_shape() -> None:
    document = [
        {"property": "region", "operator": "IN", "value": ["eu", "us"]},
        {"property": "size", "operator": "gte", "value": 5},
        {"property": "beta", "value": True},
        {"property": "x", "operator": "exists"},
    ]

    filters = parse_filters(document)

    assert [filter_document(one) for one in filters] == [
        {"property": "region", "operator": "in", "value": ["eu", "us"]},
        {"property": "size", "operator": "gte", "value": Decimal(5)},
        {"property": "beta", "operator": "eq", "value": True},
        {"property": "x", "operator": "exists", "value": None},
    ]
    assert parse_filters([filter_document(one) for one in filters]) == filters
    assert parse_filters(None) == parse_filters([]) == ()
    assert len(parse_filters([{"property": "x", "operator": "exists"}] * 5)) == 5


BAD_FILTERS: list[tuple[object, str]] = [
    ("region", "filters"),
    ([{"property": "x", "operator": "exists"}] * 6, "filters"),
    (["x"], "filters.0"),
    ([{"property": "x", "operator": "eq", "value": "1", "unknown": 1}], "filters.0.unknown"),
    ([{"operator": "eq", "value": "1"}], "filters.0.property"),
    ([{"property": " ", "operator": "eq", "value": "1"}], "filters.0.property"),
    ([{"property": "x", "operator": "like", "value": "1"}], "filters.0.operator"),
    ([{"property": "x", "operator": 7, "value": "1"}], "filters.0.operator"),
    ([{"property": "x", "operator": "eq"}], "filters.0.value"),
    ([{"property": "x", "operator": "eq", "value": ["1"]}], "filters.0.value"),
    ([{"property": "x", "operator": "eq", "value": {}}], "filters.0.value"),
    ([{"property": "x", "operator": "eq", "value": 0.5}], "filters.0.value"),
    ([{"property": "x", "operator": "in", "value": []}], "filters.0.value"),
    ([{"property": "x", "operator": "in", "value": "a"}], "filters.0.value"),
    ([{"property": "x", "operator": "in", "value": [None]}], "filters.0.value"),
    ([{"property": "x", "operator": "not_in", "value": [{}]}], "filters.0.value"),
    ([{"property": "y", "operator": "exists"}, {"property": "x", "operator": "gt", "value": "big"}],
     "filters.1.value"),
    ([{"property": "x", "operator": "gt", "value": True}], "filters.0.value"),
    ([{"property": "x", "operator": "exists", "value": "yes"}], "filters.0.value"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "field"), BAD_FILTERS)
def test_bad_filters_are_refused_with_their_location(document: object, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_filters(document)

    assert (refused.value.code, refused.value.field) == ("invalid_filter", field)


@pytest.mark.parametrize("value", [7, 0.5, (1,), (0.5,)])
def test_filters_hold_text_decimals_and_booleans_only(value: FilterValue) -> None:
    with pytest.raises(InvalidInput):
        Filter(property="x", operator=Operator.IN, value=value)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("region", "eu-west"),
        ("absent", None),
        ("records", EVENT["records"]),
        ("records.amount", 3),
        ("records.by.region", "eu"),
        ("records.by.absent", None),
        ("records.amount.more", None),
        ("region.more", None),
        ("flat.name", "whole"),
        ("gone.on", None),
        ("tags.0", None),
        (".", None),
        ("records.", None),
        (".records", None),
        ("", None),
    ],
)
def test_a_property_is_found_by_its_name_and_else_by_its_path(name: str, found: object) -> None:
    assert find_property(EVENT, name) == found


@pytest.mark.parametrize(
    ("value", "passing"),
    [
        (
            "",
            {
                "region",
                "blank",
                "version",
                "padded",
                "exponent",
                "word",
                "Word",
                "text_size",
                "flat.name",
            },
        ),
        ("eu", {"region"}),
        ("1", {"version", "exponent"}),
        ("7", {"padded", "tags"}),
        (Decimal(7), {"tags"}),
        (Decimal(8), {"tags"}),
        (True, set()),
        ("rue", {"word", "Word"}),
    ],
)
def test_a_text_contains_a_part_and_a_list_an_element(
    value: FilterValue, passing: set[str]
) -> None:
    found = {
        name
        for name in EVENT
        if Filter(property=name, operator=Operator.CONTAINS, value=value).matches(EVENT)
    }

    assert found == passing
