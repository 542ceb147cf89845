"""When credit is topped up, how much is bought, what that costs, and when it is tried again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.purchases import Cost
from billing.credits.top_ups import PerWindow, Price, TopUpTerms, key_of_top_up, next_try_at
from billing.errors import InvalidInput
from billing.units import Unit, currency_unit
from tests.billing.credits.lots import START
from tests.billing.profiles import supporting

d = Decimal
OFTEN = PerWindow(day=d(10), month=d(100))
CAP = PerWindow(day=d(10) ** 29, month=d(10) ** 29)
TOKENS = Unit(code="TOKENS", scale=0)


def terms(
    *, threshold: str = "100", step: str = "40", target: str | None = None, **given: object
) -> TopUpTerms:
    """Dollars that are bought in steps, but for what is said."""
    said = {"unit": currency_unit("USD"), "max_count": OFTEN, "max_amount": CAP, **given}
    return TopUpTerms(
        threshold=d(threshold),
        step=d(step),
        target=None if target is None else d(target),
        **said,  # type: ignore[arg-type]  # what a test says by name
    )


@pytest.mark.parametrize(
    ("threshold", "step", "available", "left", "bought"),
    [
        pytest.param("100", "40", "35", "1000", "80", id="the documented example"),
        pytest.param("100", "40", "35", "79", "40", id="as far as the caps leave room"),
        pytest.param("100", "40", "35", "39.99", "0", id="not even one step is left"),
        pytest.param("100", "40", "35", "-5", "0", id="more than the cap was bought"),
        pytest.param("100", "30", "35", "1000", "90", id="a gap of steps and a third"),
        pytest.param("100", "30", "40", "1000", "60", id="a gap of whole steps"),
        pytest.param("100", "70", "30", "100", "70", id="a cap of steps and three sevenths"),
        pytest.param("0.07", "0.03", "0", "0.08", "0.06", id="cents that divide by nothing"),
        pytest.param("100", "30", "100", "1000", "0", id="enough is left"),
        pytest.param("0", "30", "-0.01", "1000", "30", id="less than nothing is left"),
    ],
)
def test_whole_steps_fill_the_gap_as_far_as_the_caps_leave_room(
    threshold: str, step: str, available: str, left: str, bought: str
) -> None:
    rule = terms(threshold=threshold, step=step)

    assert rule.amount_for(d(available), left=d(left)) == d(bought)


def test_a_gap_a_trace_above_whole_steps_needs_one_step_more() -> None:
    """The quotient has more digits than Python's own context keeps."""
    rule = terms(threshold="3000000000000000000000000000.01", step="1000000000000000000000000000")

    assert rule.amount_for(d(0), left=d(10) ** 29) == d(4) * d(10) ** 27


@pytest.mark.parametrize(
    ("available", "bought"),
    [
        ("99.99", "440"),
        ("100", "0"),
        ("100.01", "0"),
        ("0", "520"),
        ("20", "480"),
        ("-500", "1000"),
    ],
)
def test_a_target_is_filled_up_to_once_less_than_the_threshold_is_left(
    available: str, bought: str
) -> None:
    rule = terms(threshold="100", step="40", target="500")

    assert rule.goal == 500
    assert rule.amount_for(d(available), left=d(10_000)) == d(bought)


def test_without_a_target_the_threshold_is_the_goal() -> None:
    assert terms(threshold="100").goal == 100
    assert terms(threshold="100", target="100").goal == 100


@supporting
@given(
    cents=st.integers(-2000, 3000),
    threshold=st.integers(0, 1500),
    step=st.integers(1, 700),
    more=st.integers(0, 800),
    left=st.integers(-100, 5000),
)
def test_steps_are_bought_one_by_one_until_the_goal_or_the_cap(
    cents: int, threshold: int, step: int, more: int, left: int
) -> None:
    bought = 0
    while cents < threshold and cents + bought < threshold + more and bought + step <= left:
        bought += step

    rule = terms(
        threshold=str(d(threshold).scaleb(-2)),
        step=str(d(step).scaleb(-2)),
        target=str(d(threshold + more).scaleb(-2)),
    )
    found = rule.amount_for(d(cents).scaleb(-2), left=d(left).scaleb(-2))

    assert found == d(bought).scaleb(-2)


REFUSED: list[tuple[dict[str, object], str, str]] = [
    ({"threshold": "-1"}, "threshold", "not_positive"),
    ({"step": "0"}, "step", "not_positive"),
    ({"step": "-1"}, "step", "not_positive"),
    ({"threshold": "-1", "step": "0"}, "threshold", "not_positive"),
    ({"threshold": "0.001"}, "threshold", "finer_than_unit"),
    ({"step": "0.001"}, "step", "finer_than_unit"),
    ({"target": "100.001"}, "target", "finer_than_unit"),
    ({"target": "99.99"}, "target", "target_below_threshold"),
    ({"max_count": PerWindow(day=d(0), month=d(9))}, "max_count.day", "not_positive"),
    ({"max_count": PerWindow(day=d(9), month=d(0))}, "max_count.month", "not_positive"),
    ({"max_count": PerWindow(day=d(9), month=d(1001))}, "max_count.month", "invalid_input"),
    ({"max_amount": PerWindow(day=d(0), month=d(99))}, "max_amount.day", "not_positive"),
    ({"max_amount": PerWindow(day=d(99), month=d(-1))}, "max_amount.month", "not_positive"),
    ({"max_amount": PerWindow(day=d("39.99"), month=d(99))}, "max_amount.day", "cap_below_step"),
    ({"max_amount": PerWindow(day=d(99), month=d("39.99"))}, "max_amount.month", "cap_below_step"),
    ({"price": Price(amount=d(1), currency="USD")}, "price", "price_of_currency"),
    ({"unit": TOKENS}, "price", "no_price"),
    ({"unit": TOKENS, "step": "1", "price": Price(amount=d("0.0049"), currency="USD")},
     "step", "step_costs_nothing"),
    ({"unit": TOKENS, "step": "1", "price": Price(amount=d("0.49"), currency="JPY")},
     "step", "step_costs_nothing"),
    ({"unit": TOKENS, "step": "0.5", "price": Price(amount=d(1), currency="USD")},
     "step", "finer_than_unit"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "field", "code"), REFUSED)
def test_terms_that_could_buy_nothing_are_refused_and_named(
    given: dict[str, object], field: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        terms(**given)  # type: ignore[arg-type]  # what a test says by name

    assert (refused.value.field, refused.value.code) == (field, code)


def test_terms_may_reach_their_bounds() -> None:
    exact = PerWindow(day=d(40), month=d(40))

    assert terms(max_amount=exact).max_amount == exact
    assert terms(max_count=PerWindow(day=d(1), month=d(1000))).max_count.month == 1000
    assert terms(threshold="0").threshold == 0
    assert terms(target="100").target == 100


@pytest.mark.parametrize(
    ("amount", "currency", "field", "code"),
    [
        ("0", "USD", "price.amount", "not_positive"),
        ("-1", "USD", "price.amount", "not_positive"),
        ("1", "XAU", "price.currency", "unknown_currency"),
        ("NaN", "USD", "amount", "invalid_number"),
    ],
)
def test_what_is_no_price_of_a_unit_is_refused_and_named(
    amount: str, currency: str, field: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        Price(amount=d(amount), currency=currency)

    assert (refused.value.field, refused.value.code) == (field, code)


@pytest.mark.parametrize(
    ("price", "currency", "amount", "cost"),
    [
        ("0.015", "USD", "100", "1.50"),
        ("0.015", "USD", "3", "0.05"),
        ("0.015", "usd", "1", "0.02"),
        ("0.5", "JPY", "1", "1"),
        ("0.5", "JPY", "3", "2"),
        ("0.0005", "KWD", "1", "0.001"),
        ("1000000", "USD", "1000000", "1000000000000"),
    ],
)
def test_what_is_bought_costs_its_price_rounded_once(
    price: str, currency: str, amount: str, cost: str
) -> None:
    rule = terms(
        unit=TOKENS, threshold="0", step="10", price=Price(amount=d(price), currency=currency)
    )

    assert rule.cost_of(d(amount)) == Cost(amount=d(cost), currency=currency.upper())


def test_credit_in_a_currency_costs_what_it_is_worth() -> None:
    assert terms().cost_of(d("82.45")) == Cost(amount=d("82.45"), currency="USD")


@pytest.mark.parametrize(
    ("declines", "hours"), [(1, 1), (2, 24), (3, None), (4, None), (100, None)]
)
def test_a_rule_whose_payment_was_declined_waits_and_is_off_after_three(
    declines: int, hours: int | None
) -> None:
    due = None if hours is None else START + timedelta(hours=hours)

    assert next_try_at(START, declines=declines) == due


def test_a_top_up_has_one_key_for_its_rule_and_number() -> None:
    rule = UUID(int=7)

    assert key_of_top_up(rule, 3) == f"topup/{rule}/3"
    assert len({key_of_top_up(rule, 1), key_of_top_up(rule, 2), key_of_top_up(UUID(int=8), 1)}) == 3
