"""What an event is worth to its meter, and which events are worth nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.metering.aggregations import (
    Aggregation,
    EventValue,
    read_distinct_key,
    read_event_value,
    read_quantity,
)
from billing.metering.tallies import Values
from tests.billing.builders import d
from tests.billing.profiles import supporting


def test_values_and_keys_may_lie_on_a_path() -> None:
    properties: dict[str, object] = {"records": {"amount": "2.5", "by": {"user": 7}}, "a.b": 1}

    def value(name: str) -> Decimal:
        return read_event_value(Aggregation.SUM, name, quantity=None, properties=properties).value

    assert (value("records.amount"), value("a.b")) == (d("2.5"), 1)
    assert read_distinct_key("records.by.user", properties) == "7"
    with pytest.raises(InvalidInput) as missing:
        value("records.by.amount")
    assert (missing.value.code, missing.value.field) == (
        "missing_value",
        "properties.records.by.amount",
    )


@pytest.mark.parametrize("kind", [Aggregation.SUM, Aggregation.COUNT, Aggregation.UNIQUE_COUNT])
@pytest.mark.parametrize("value", ["0", "-1"])
def test_counting_meters_take_values_above_zero_only(kind: Aggregation, value: str) -> None:
    with pytest.raises(InvalidInput, match="above 0") as refused:
        read_event_value(kind, "n", quantity=value, properties={"user_id": "a"})

    assert (refused.value.code, refused.value.field) == ("quantity_out_of_range", "quantity")


@pytest.mark.parametrize(
    "kind", [Aggregation.LAST, Aggregation.MIN, Aggregation.MAX, Aggregation.AVG]
)
def test_level_meters_take_zero_but_nothing_below(kind: Aggregation) -> None:
    assert read_event_value(kind, None, quantity=0, properties={}) == EventValue(value=d(0))
    with pytest.raises(InvalidInput, match="0 or more"):
        read_event_value(kind, None, quantity=-1, properties={})


def test_changes_of_a_level_have_any_sign() -> None:
    value = read_event_value(Aggregation.WEIGHTED_SUM, "n", quantity=None, properties={"n": "-2.5"})

    assert value == EventValue(value=d("-2.5"))


def test_values_come_from_the_quantity_or_the_property() -> None:
    def read(kind: Aggregation, quantity: object, **properties: object) -> EventValue:
        return read_event_value(kind, "minutes", quantity=quantity, properties=properties)

    assert read(Aggregation.SUM, "3", minutes=5) == EventValue(value=d(3))
    assert read(Aggregation.SUM, None, minutes="5.5") == EventValue(value=d("5.5"))
    assert read(Aggregation.COUNT, None) == EventValue(value=d(1))
    assert read(Aggregation.COUNT, 2) == EventValue(value=d(2))
    assert read(Aggregation.UNIQUE_COUNT, 2, minutes="x", user_id="a") == EventValue(
        value=d(2), distinct_key="x"
    )
    assert read(Aggregation.UNIQUE_COUNT, None, user_id="a") == EventValue(
        value=d(1), distinct_key="a"
    )


@pytest.mark.parametrize("raw", [True, "", " ", "NaN", 1.5, [], "1e40"])
def test_bad_values_name_the_property(raw: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_event_value(Aggregation.SUM, "minutes", quantity=None, properties={"minutes": raw})

    assert refused.value.field == "properties.minutes"


def test_an_event_without_a_value_is_refused() -> None:
    for name, field in [("minutes", "properties.minutes"), (None, "quantity")]:
        with pytest.raises(InvalidInput) as refused:
            read_event_value(Aggregation.SUM, name, quantity=None, properties={"seconds": 1})
        assert (refused.value.code, refused.value.field) == ("missing_value", field)


@pytest.mark.parametrize(
    ("properties", "key"),
    [({"seat": "a", "user_id": "b"}, "a"), ({"user_id": "b"}, "b"), ({"seat": 7}, "7"),
     ({"seat": Decimal("7.0")}, "7"), ({"seat": True}, "true"), ({"seat": " ", "user_id": 1}, "1"),
     ({"seat": None, "user_id": 1}, "1"), ({"seat": [], "user_id": False}, "false")],
)  # fmt: skip
def test_distinct_keys(properties: dict[str, object], key: str) -> None:
    assert read_distinct_key("seat", properties) == key


@pytest.mark.parametrize("properties", [{}, {"seat": ""}, {"user_id": {}}, {"x": 1}])
def test_a_missing_distinct_value_is_refused(properties: dict[str, object]) -> None:
    for name, field in [("seat", "properties.seat"), (None, "properties.user_id")]:
        with pytest.raises(InvalidInput) as refused:
            read_distinct_key(name, properties)
        assert (refused.value.code, refused.value.field) == ("missing_distinct_value", field)


@supporting
@given(st.sampled_from(Aggregation), st.integers(-3, 3), st.integers(0, 20))
def test_a_meter_takes_the_numbers_that_its_aggregation_says(
    kind: Aggregation, digits: int, places: int
) -> None:
    value = Decimal(digits).scaleb(-places)
    least: dict[Values, Decimal | int] = {
        Values.ANY: -10,
        Values.FROM_ZERO: 0,
        Values.ABOVE_ZERO: Decimal("1E-20"),
    }

    if value >= least[kind.definition.values]:
        assert read_quantity(kind, value) == read_quantity(kind, f"{value:f}") == value
        return
    with pytest.raises(InvalidInput) as refused:
        read_quantity(kind, value, "amount")
    assert (refused.value.code, refused.value.field) == ("quantity_out_of_range", "amount")


def test_a_quantity_wins_over_a_property_that_is_none() -> None:
    """What is not looked at is not refused."""
    found = read_event_value(Aggregation.SUM, "n", quantity=3, properties={"n": "many"})

    assert found.value == 3


def test_a_count_that_names_a_property_counts_events_without_it() -> None:
    found = read_event_value(Aggregation.COUNT, "n", quantity=None, properties={"n": 7})

    assert found == EventValue(value=d(1))


@pytest.mark.parametrize("raw", ["1" + "0" * 30, "0." + "0" * 20 + "1", "1e-21"])
def test_a_quantity_that_no_column_holds_is_refused(raw: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_quantity(Aggregation.SUM, raw)

    assert (refused.value.code, refused.value.field) == ("number_out_of_range", "quantity")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("7", 7, True),
        (7, Decimal("7.00"), True),
        ("7.0", 7, False),
        ("true", True, True),
        ("True", True, False),
        ("a", " a", False),
        ("A", "a", False),
        (0, "0", True),
        (Decimal("-0"), 0, True),
        (Decimal("1E+3"), "1000", True),
    ],
)
def test_two_events_are_of_one_user_if_they_say_so_in_any_type(
    one: object, other: object, *, is_same: bool
) -> None:
    keys = {read_distinct_key("seat", {"seat": value}) for value in (one, other)}

    assert (len(keys) == 1) is is_same
