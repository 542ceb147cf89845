"""Price by property: groups of one charge, each by its own price, together as the charge is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.invoicing.receipts import digest, from_document, to_document
from billing.metering.aggregations import Aggregation
from billing.pricing import Pricing, parse_pricing
from billing.rating.groups import Grouping, GroupKind, GroupPrice, GroupUsage
from billing.rating.lines import PricedLine
from billing.rating.periods import rate_period
from billing.rating.quantities import MeteredUsage, UsageWindow
from billing.rating.terms import ChargeTerms, OverLimit, PlanTerms, Shortfall
from billing.ratios import add_up
from billing.units import Unit
from tests.billing.builders import (
    CHARGE,
    DOCUMENTED_TIERS,
    JANUARY,
    METER,
    PER_CALL,
    USD,
    limit,
    plan,
    usage_charge,
)
from tests.billing.profiles import supporting

OTHERS, MISSING = "others", "missing"


def per_unit(price: str) -> Pricing:
    return parse_pricing({"model": "per_unit", "unit_price": price})


def by_model(charge: ChargeTerms, **prices: Pricing) -> ChargeTerms:
    """The charge with prices of these models; other ones have its own price."""
    named = tuple(GroupPrice(values=(model,), pricing=one) for model, one in prices.items())
    return replace(charge, grouping=Grouping(properties=("model",), prices=named))


def bill(terms: PlanTerms, used: Mapping[str, str]) -> tuple[PricedLine, ...]:
    """The lines of January, of so much usage of each model."""
    groups = tuple(
        GroupUsage(
            kind=GroupKind(model) if model in (OTHERS, MISSING) else GroupKind.NAMED,
            values=() if model in (OTHERS, MISSING) else (model,),
            aggregate=Decimal(amount),
            event_count=1,
        )
        for model, amount in used.items()
    )
    window = UsageWindow(
        charge_id=CHARGE,
        meter_id=METER,
        starts_at=JANUARY.starts_at,
        ends_at=JANUARY.ends_at,
        group_by=("model",),
    )
    usage = MeteredUsage(
        charge_id=CHARGE,
        window=window,
        aggregate=add_up(one.aggregate for one in groups),
        event_count=len(groups),
        groups=groups,
    )
    return rate_period(terms, JANUARY, [usage])


def shown(lines: tuple[PricedLine, ...]) -> list[tuple[str, str, str]]:
    return [
        (line.name, format(line.quantity, "f"), format(USD.round(line.exact_amount), "f"))
        for line in lines
    ]


def test_each_value_has_its_price_and_the_rest_the_default_one() -> None:
    charge = by_model(usage_charge(), large=per_unit("0.03"), small=DOCUMENTED_TIERS)

    lines = bill(plan(charge), {"small": "1500", MISSING: "1000", "large": "100", OTHERS: "2000"})

    assert shown(lines) == [
        ("API Calls · large", "100", "3.00"),
        ("API Calls · small", "1500", "2.50"),
        ("API Calls · other model", "2000", "2.00"),
        ("API Calls · no model", "1000", "1.00"),
    ]


def test_a_value_that_another_charge_names_is_another_value() -> None:
    charge = by_model(usage_charge(), large=per_unit("0.03"))

    lines = bill(plan(charge), {"tiny": "10", OTHERS: "20"})

    assert shown(lines) == [("API Calls · other model", "30", "0.03")]


def test_no_usage_is_one_line_at_the_default_price() -> None:
    charge = by_model(usage_charge(), large=per_unit("0.03"))

    assert shown(bill(plan(charge), {})) == [("API Calls · other model", "0", "0.00")]


def test_the_allowance_comes_off_the_groups_in_the_order_of_their_prices() -> None:
    charge = by_model(usage_charge(included="1000"), large=per_unit("1"), small=per_unit("0.1"))

    lines = bill(plan(charge), {OTHERS: "50", "small": "600", "large": "700"})

    assert [(one.included_quantity, one.quantity) for one in lines] == [
        (700, 0),
        (300, 300),
        (0, 50),
    ]


@pytest.mark.parametrize(
    ("over", "billed"), [(OverLimit.BILL, [700, 600]), (OverLimit.WAIVE, [700, 300])]
)
def test_what_is_over_a_hard_limit_is_of_the_last_groups(
    over: OverLimit, billed: list[int]
) -> None:
    charge = by_model(usage_charge(included="0"), large=per_unit("1"), small=per_unit("2"))
    terms = plan(charge, features=(limit("1000", over=over),))

    lines = bill(terms, {"large": "700", "small": "600"})

    assert [one.quantity for one in lines] == billed
    assert [one.over_limit_quantity for one in lines] == [None, 300]
    assert [one.exact_amount for one in lines] == [billed[0], 2 * billed[1]]


@pytest.mark.parametrize(
    ("bounds", "totals"),
    [
        ({"minimum": "100"}, ["33.33", "66.67"]),
        ({"maximum": "10"}, ["3.33", "6.67"]),
        ({"minimum": "1", "maximum": "50"}, ["10.00", "20.00"]),
    ],
)
def test_minimum_and_maximum_are_of_the_whole_charge(
    bounds: dict[str, str], totals: list[str]
) -> None:
    charge = by_model(usage_charge(**bounds), large=per_unit("1"), small=per_unit("2"))  # type: ignore[arg-type]  # texts

    lines = bill(plan(charge), {"large": "10", "small": "10"})

    assert [amount for _, _, amount in shown(lines)] == totals


def test_bounds_in_a_unit_of_credit_are_shared_out_in_its_finest_part() -> None:
    charge = replace(
        by_model(usage_charge(minimum="101"), large=per_unit("1"), small=per_unit("2")),
        unit=Unit(code="TOKENS", scale=0),
        shortfall=Shortfall.BLOCK,
    )

    lines = bill(plan(charge), {"large": "10", "small": "10"})

    assert [one.exact_amount for one in lines] == [34, 67]


amounts = st.decimals("0", "100000", places=3).map(str)


@supporting
@given(used=st.dictionaries(st.sampled_from(["large", "small", OTHERS, MISSING]), amounts))
def test_groups_of_one_price_come_to_what_all_usage_would(used: dict[str, str]) -> None:
    charge = by_model(usage_charge(included="500"), large=PER_CALL, small=PER_CALL)
    whole = bill(plan(replace(charge, grouping=None)), used)

    lines = bill(plan(charge), used)

    assert add_up(one.exact_amount for one in lines) == whole[0].exact_amount
    assert add_up(one.quantity for one in lines) == whole[0].quantity


@supporting
@given(
    used=st.dictionaries(st.sampled_from(["large", "small", OTHERS, MISSING]), amounts),
    minimum=st.decimals("0", "50", places=2),
    room=st.decimals("0", "50", places=2),
)
def test_lines_of_groups_never_leave_the_bounds_of_their_charge(
    used: dict[str, str], minimum: Decimal, room: Decimal
) -> None:
    charge = usage_charge(minimum=str(minimum), maximum=str(minimum + room))
    lines = bill(plan(by_model(charge, large=PER_CALL, small=DOCUMENTED_TIERS)), used)

    total = sum(USD.round(one.exact_amount) for one in lines)

    assert minimum <= total <= minimum + room
    assert all(one.exact_amount >= 0 for one in lines)


@pytest.mark.parametrize(
    ("properties", "values", "field"),
    [
        ((), [("a",)], "group_by"),
        (("a", "b", "c"), [("a", "b", "c")], "group_by"),
        (("a", "a"), [("x", "y")], "group_by"),
        (("a.0",), [("x",)], "group_by.0"),
        (("a..b",), [("x",)], "group_by.0"),
        (("a",), [], "group_prices"),
        (("a",), [("x",), ("x",)], "group_prices.1.values"),
        (("a", "b"), [("x",)], "group_prices.0.values"),
        (("a",), [("",)], "group_prices.0.values"),
        (("a",), [("x" * 201,)], "group_prices.0.values"),
        (("a",), [(str(n),) for n in range(201)], "group_prices"),
    ],
)
def test_what_no_charge_may_name_is_refused_by_its_field(
    properties: tuple[str, ...], values: list[tuple[str, ...]], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        Grouping(
            properties=properties,
            prices=tuple(GroupPrice(values=one, pricing=PER_CALL) for one in values),
        )

    assert refused.value.field == field


def test_a_meter_whose_parts_do_not_add_up_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        by_model(usage_charge(aggregation=Aggregation.MAX), large=PER_CALL)

    assert refused.value.field == "group_by"


def test_terms_without_groups_have_the_digest_that_they_had() -> None:
    terms = plan(usage_charge())
    grouped = plan(by_model(usage_charge(), large=PER_CALL))

    assert digest(terms) != digest(grouped)
    assert from_document(PlanTerms, to_document(grouped)) == grouped
