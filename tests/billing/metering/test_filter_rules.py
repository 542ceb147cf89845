"""Filters as relations: what equals, differs, lies in a list, and in whatever order they stand."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.metering.filters import (
    Filter,
    FilterValue,
    Operator,
    filter_document,
    matches_all,
    parse_filters,
)
from tests.billing.profiles import supporting

scalars: st.SearchStrategy[str | bool | Decimal] = st.one_of(
    st.sampled_from(["", "a", "b", "1", "1.0", "01", "true", "false", "True", "1e0"]),
    st.booleans(),
    st.integers(-3, 3).map(lambda one: Decimal(one) / 2),
)
properties = st.dictionaries(st.sampled_from("xyz"), st.none() | scalars, max_size=3)
numbers = st.integers(-6, 6).map(lambda one: Decimal(one) / 2)


def passes(operator: Operator, value: FilterValue, event: dict[str, object]) -> bool:
    return Filter(property="x", operator=operator, value=value).matches(event)


@supporting
@given(scalars, properties)
def test_an_event_that_equals_does_not_differ(
    value: str | bool | Decimal, event: dict[str, object]
) -> None:
    assert passes(Operator.EQ, value, event) is not passes(Operator.NE, value, event)


@supporting
@given(st.lists(scalars, min_size=1, max_size=4), properties)
def test_in_a_list_is_what_equals_one_of_it(
    values: list[str | bool | Decimal], event: dict[str, object]
) -> None:
    is_in = passes(Operator.IN, tuple(values), event)

    assert is_in is any(passes(Operator.EQ, one, event) for one in values)
    assert passes(Operator.NOT_IN, tuple(values), event) is not is_in


@supporting
@given(numbers, numbers)
def test_numbers_are_below_equal_or_above(actual: Decimal, wanted: Decimal) -> None:
    event: dict[str, object] = {"x": actual}
    below, equal, above = (
        passes(one, wanted, event) for one in (Operator.LT, Operator.EQ, Operator.GT)
    )

    assert [below, equal, above].count(True) == 1
    assert passes(Operator.LTE, wanted, event) is (below or equal) is (actual <= wanted)
    assert passes(Operator.GTE, wanted, event) is (above or equal) is (actual >= wanted)
    assert passes(Operator.LTE, wanted, event) is passes(Operator.GTE, actual, {"x": wanted})


@supporting
@given(scalars, properties)
def test_what_is_not_there_passes_only_what_asks_for_something_else(
    value: str | bool | Decimal, event: dict[str, object]
) -> None:
    gone = {**event, "x": None}
    without = {name: one for name, one in event.items() if name != "x"}

    for absent in (gone, without):
        assert passes(Operator.NE, value, absent)
        assert passes(Operator.NOT_IN, (value,), absent)
        assert passes(Operator.EXISTS, False, absent)
        assert not any(passes(one, value, absent) for one in (Operator.EQ, Operator.CONTAINS))


some_filters = st.lists(
    st.one_of(
        st.builds(
            lambda name, operator, value: Filter(property=name, operator=operator, value=value),
            st.sampled_from("xyz"),
            st.sampled_from([Operator.EQ, Operator.NE, Operator.CONTAINS]),
            scalars,
        ),
        st.builds(
            lambda name, operator, value: Filter(
                property=name, operator=operator, value=tuple(value)
            ),
            st.sampled_from("xyz"),
            st.sampled_from([Operator.IN, Operator.NOT_IN]),
            st.lists(scalars, min_size=1, max_size=3),
        ),
        st.builds(
            lambda name, value: Filter(property=name, operator=Operator.EXISTS, value=value),
            st.sampled_from("xyz"),
            st.none() | st.booleans(),
        ),
    ),
    max_size=5,
)


@supporting
@given(some_filters, properties)
def test_the_order_and_the_repetition_of_filters_change_nothing(
    filters: list[Filter], event: dict[str, object]
) -> None:
    found = matches_all(filters, event)

    assert matches_all(filters[::-1], event) is matches_all(filters + filters, event) is found
    assert found is (sum(one.matches(event) for one in filters) == len(filters))


@supporting
@given(some_filters, properties)
def test_filters_read_again_from_their_document_count_the_same_events(
    filters: list[Filter], event: dict[str, object]
) -> None:
    again = parse_filters([filter_document(one) for one in filters])

    assert again == tuple(filters)
    assert matches_all(again, event) is matches_all(filters, event)
