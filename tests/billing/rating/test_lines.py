"""A priced line: what it is of, what it comes to in its unit and in money, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.identifiers import ChargeId, MeterId
from billing.money import find_currency
from billing.pricing import TierAmount
from billing.rating.lines import (
    CorrectedCharge,
    LineType,
    PricedLine,
    as_computed,
    has_matching_tiers,
    invoiced_before,
    paid_as,
    step,
)
from billing.ratios import Exact, Ratio
from billing.units import Unit
from tests.billing.builders import CHARGE, FIXED_CHARGE, METER, d
from tests.billing.invoicing.lines import line
from tests.billing.profiles import supporting

TOKENS = Unit(code="TOKENS", scale=1)
OTHER_METER = MeterId(UUID(int=21))


def tokens(
    amount: str, *, paid: str = "0", rate: str | None = "0.02", cost: str = "0"
) -> PricedLine:
    """A line of tokens, of which credit has paid some that had cost so much."""
    return replace(
        line(amount),
        priced_in=TOKENS,
        overage_rate=None if rate is None else d(rate),
        paid_in_unit=d(paid),
        cost_share=d(cost),
    )


def corrected(charge_id: ChargeId, amount: str, index: int = 0) -> CorrectedCharge:
    return CorrectedCharge(period_index=index, charge_id=charge_id, amount=d(amount))


def test_a_step_writes_its_numbers_plainly_and_leaves_out_what_is_not_there() -> None:
    found = step(
        "price", d("1E+3"), quantity=Ratio(1, 3), rate=d("0.10"), count=7, unit="calls", most=None
    )

    assert (found.name, found.output) == ("price", "1000")
    assert dict(found.inputs) == {
        "quantity": "0." + "3" * 40, "rate": "0.1", "count": "7", "unit": "calls",
    }  # fmt: skip
    assert step("price", Ratio(-2, 3)).output == "-0." + "6" * 39 + "7"


@pytest.mark.parametrize("kind", LineType)
def test_late_usage_is_no_share_of_its_own_period(kind: LineType) -> None:
    one = replace(line("5"), type=kind, charge_id=CHARGE)

    assert one.own_charge_id == (None if kind is LineType.LATE_USAGE else CHARGE)


def test_a_line_in_an_own_unit_is_of_the_charge_that_it_corrects() -> None:
    corrections = (corrected(CHARGE, "5"),)
    of_money = replace(line("5"), corrections=corrections)

    assert of_money.only_charge_id is None
    assert replace(of_money, charge_id=FIXED_CHARGE).only_charge_id == FIXED_CHARGE
    assert replace(tokens("5"), corrections=corrections).only_charge_id == CHARGE
    both = replace(tokens("5"), corrections=corrections, charge_id=FIXED_CHARGE)
    assert both.only_charge_id == FIXED_CHARGE
    assert tokens("5").only_charge_id is None


def test_a_line_is_of_its_meter_or_of_the_one_that_it_corrects() -> None:
    assert replace(line("5"), meter_id=METER).only_meter_id == METER
    assert replace(line("5"), corrected_meter_id=OTHER_METER).only_meter_id == OTHER_METER
    both = replace(line("5"), meter_id=METER, corrected_meter_id=OTHER_METER)
    assert (both.only_meter_id, line("5").only_meter_id) == (METER, None)


@pytest.mark.parametrize(
    ("one", "unit", "own_unit", "amount"),
    [
        (line("2.675"), "USD", None, "2.68"),
        (line("0.5", find_currency("JPY")), "JPY", None, "1"),
        (line("-1.0005", find_currency("KWD")), "KWD", None, "-1.001"),
        (tokens("120.55"), "TOKENS", "TOKENS", "120.6"),
        (tokens("-0.05"), "TOKENS", "TOKENS", "-0.1"),
    ],
)
def test_an_amount_is_rounded_once_in_what_it_is_priced_in(
    one: PricedLine, unit: str, own_unit: str | None, amount: str
) -> None:
    assert (one.amount_unit.code, one.own_unit, one.amount) == (unit, own_unit, d(amount))


@pytest.mark.parametrize(
    ("one", "rest", "due", "money"),
    [
        pytest.param(tokens("120.5", paid="100"), "20.5", "0.41", "0.41", id="documented"),
        pytest.param(tokens("120.5", paid="120.5"), "0", "0", "0", id="all of it is paid"),
        pytest.param(tokens("120.5"), "120.5", "2.41", "2.41", id="nothing is paid"),
        pytest.param(tokens("120.5", rate=None), "120.5", "0", "0", id="a rest is due nothing"),
        pytest.param(
            tokens("120.5", paid="100", cost="1.00"), "20.5", "0.41", "1.41", id="paid had cost"
        ),
        pytest.param(tokens("5", paid="5", cost="0.07"), "0", "0", "0.07", id="a cost alone"),
        pytest.param(tokens("0.3"), "0.3", "0.01", "0.01", id="half a cent and more"),
        pytest.param(tokens("0.2"), "0.2", "0", "0", id="less than half a cent"),
        pytest.param(tokens("0.25", rate="1"), "0.3", "0.30", "0.30", id="first to a tenth"),
        pytest.param(tokens("-10"), "-10", "-0.20", "-0.20", id="given back"),
        pytest.param(line("2.675"), "2.68", "2.68", "2.68", id="of money"),
    ],
)
def test_what_credit_leaves_of_a_line_is_due_at_its_rate(
    one: PricedLine, rest: str, due: str, money: str
) -> None:
    assert (one.rest, one.rest_money, one.money) == (d(rest), d(due), d(money))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"currency": "XAU"}, "currency"),
        ({"quantity": 0.5}, "quantity"),
        ({"exact_amount": 1}, "exact_amount"),
        ({"exact_amount": d("NaN")}, "exact_amount"),
        ({"unit_amount": 0.5}, "unit_amount"),
        ({"paid_in_unit": Ratio(1, 3)}, "paid_in_unit"),
        ({"cost_share": "1"}, "cost_share"),
    ],
)
def test_no_line_holds_what_is_no_exact_number(given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(line("5"), **given)  # type: ignore[arg-type]  # what a test says by name

    assert refused.value.field == field


def row(amount: Exact) -> TierAmount:
    return TierAmount(
        starts_from=d(0), up_to=None, quantity=d(1), unit_price=d(0), flat_fee=d(0), amount=amount
    )


@pytest.mark.parametrize(
    ("amount", "rows", "matches"),
    [
        (d(5), (), True),
        (d(5), (row(d(5)),), True),
        (d(5), (row(d(2)), row(d(3))), True),
        (d(5), (row(d(2)), row(d("2.99"))), False),
        (d(5), (row(d(8)), row(d(-3))), True),
        (Ratio(1, 3), (row(Ratio(1, 6)), row(Ratio(1, 6))), True),
        (d(1), (row(Ratio(1, 3)), row(Ratio(2, 3))), True),
        (d("0.33"), (row(Ratio(1, 3)),), False),
    ],
)
def test_tiers_add_up_to_the_amount_to_the_last_digit(
    amount: Exact, rows: tuple[TierAmount, ...], *, matches: bool
) -> None:
    assert has_matching_tiers(replace(line("0"), exact_amount=amount, tiers=rows)) is matches


def test_what_was_invoiced_before_is_added_up_by_charge() -> None:
    def before(
        *corrections: CorrectedCharge, kind: LineType = LineType.INVOICED_BEFORE
    ) -> PricedLine:
        return replace(line("0"), type=kind, corrections=corrections)

    lines = [
        before(corrected(CHARGE, "-60"), corrected(FIXED_CHARGE, "-5")),
        before(corrected(CHARGE, "-0.01", 1)),
        before(corrected(CHARGE, "-99"), kind=LineType.LATE_USAGE),
        replace(line("7"), charge_id=CHARGE),
    ]

    assert invoiced_before(lines) == {CHARGE: d("60.01"), FIXED_CHARGE: 5}
    assert invoiced_before([]) == {}


def test_lines_that_are_computed_again_are_paid_as_those_that_were_billed() -> None:
    billed = [tokens("10", paid="4", cost="0.40"), line("5"), tokens("3", paid="3")]
    again = [tokens("12"), line("6"), tokens("2"), tokens("1")]

    found = paid_as(again, billed)

    assert [(one.paid_in_unit, one.cost_share) for one in found] == [
        (4, d("0.40")), (0, 0), (3, 0), (0, 0),
    ]  # fmt: skip
    assert [one.exact_amount for one in found] == [12, 6, 2, 1]
    assert paid_as([], billed) == []
    assert [one.paid_in_unit for one in paid_as(again[:1], [])] == [0]


def test_lines_are_computed_before_credit_pays_of_them() -> None:
    billed = [tokens("10", paid="4", cost="0.40"), line("5")]

    assert as_computed(billed) == (tokens("10"), line("5"))
    assert as_computed(paid_as(as_computed(billed), billed)) == as_computed(billed)
    assert tuple(paid_as(as_computed(billed), billed)) == tuple(billed)


@supporting
@given(
    amount=st.integers(-(10**6), 10**6),
    part=st.integers(0, 100),
    rate=st.none() | st.integers(0, 10**4),
)
def test_what_is_due_of_a_line_is_its_rest_at_its_rate_and_never_more_than_without_credit(
    amount: int, part: int, rate: int | None
) -> None:
    whole = Decimal(amount).scaleb(-1)
    each = None if rate is None else str(Decimal(rate).scaleb(-4))
    paid = TOKENS.round(whole * part / 100)

    found = tokens(str(whole), paid=str(paid), rate=each)

    assert found.rest + found.paid_in_unit == found.amount
    plain = tokens(str(whole), rate=each)
    assert min(plain.money, d(0)) <= found.money <= max(plain.money, d(0))
    if each is not None:
        assert abs(found.rest_money - found.rest * d(each)) <= d("0.005")
