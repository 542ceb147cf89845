"""What notes give back of lines in own units: units to grants, money of the rest, once each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.grants import Place
from billing.credits.returns import Paid
from billing.credits.unit_returns import UnitLine, UnitReturn, return_in_unit
from billing.money import ZERO
from billing.units import Taxation, Unit
from tests.billing.builders import USD
from tests.billing.profiles import supporting

TOKENS = Unit(code="TOKENS", scale=1, taxation=Taxation.AT_PURCHASE)


def covered(paid: list[str], rest: str, money: str) -> UnitLine:
    """A line of which nothing was given back."""
    return UnitLine(
        position=0,
        unit=TOKENS,
        amount=ZERO,
        paid=tuple(
            Paid(grant_id=UUID(int=place), place=Place.BEFORE_TAX, left=Decimal(amount))
            for place, amount in enumerate(paid)
        ),
        rest=Decimal(rest),
        rest_left=Decimal(rest),
        money=Decimal(money),
        money_left=Decimal(money),
    )


def give_back(line: UnitLine, amount: Decimal, due: Decimal) -> tuple[UnitReturn, UnitLine]:
    """What a note of so much gives back, and the line as it is left."""
    found = return_in_unit(replace(line, amount=amount), due, USD)
    back = {one.grant_id: one.amount for one in found.returned}
    paid = tuple(
        Paid(grant_id=one.grant_id, place=one.place, left=one.left - back.get(one.grant_id, ZERO))
        for one in line.paid
    )
    rest = line.rest_left - (amount - sum(back.values(), ZERO))
    money_left = line.money_left - found.money
    return found, replace(line, paid=paid, rest_left=rest, money_left=money_left)


def test_what_is_due_is_lowered_first_by_whole_parts_of_the_unit() -> None:
    line = covered(["100"], "20", "0.40")

    found, _ = give_back(line, Decimal(60), Decimal("0.15"))

    # 7.5 of the rest are still due; of the other 52.5 the grant paid 100 of 112.5.
    assert [one.amount for one in found.returned] == [Decimal("46.7")]
    assert found.money == Decimal("0.27")


def test_what_nobody_owes_goes_before_the_grants_get_anything() -> None:
    found, left = give_back(covered(["100"], "20", "0"), Decimal(30), ZERO)

    assert ([one.amount for one in found.returned], found.money) == ([Decimal(10)], ZERO)
    assert left.rest_left == 0


@supporting
@given(
    st.lists(st.integers(0, 500), max_size=3),
    st.integers(0, 300),
    st.integers(0, 700),
    st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=1, max_size=5),
)
def test_notes_give_back_each_part_once(
    paid: list[int], rest: int, cents: int, notes: list[tuple[int, bool]]
) -> None:
    """Whatever was paid in between, all notes together are the line, by fractions."""
    money = Decimal(cents if rest else 0) / 100
    line = covered([str(Decimal(one) / 10) for one in paid], str(Decimal(rest) / 10), str(money))
    whole = Fraction(sum(paid) + rest, 10)
    given_units, given_money = Fraction(0), Fraction(0)
    for amount, is_due in [*notes, (10_000, False)]:
        wanted = min(Fraction(amount, 10), whole - given_units)
        if wanted <= 0:
            continue
        before = line
        found, line = give_back(
            line, Decimal(int(wanted * 10)) / 10, line.money_left if is_due else ZERO
        )
        given_units += wanted
        given_money += Fraction(found.money)
        assert found.money >= 0
        assert all(one.left >= 0 for one in line.paid)
        assert 0 <= line.rest_left <= before.rest_left
        shares = {one.grant_id: Fraction(one.amount) for one in found.returned}
        settled = whole - given_units + wanted
        if not is_due and before.money_left > 0:
            for one in before.paid:
                exact = wanted * Fraction(one.left) / settled
                assert abs(shares.get(one.grant_id, Fraction(0)) - exact) < Fraction(1, 10)

    assert (given_units, given_money) == (whole, Fraction(money))
    assert all(one.left == 0 for one in line.paid)


PAID = covered(["100"], "20", "0.40")


@pytest.mark.parametrize(
    ("line", "amount", "due", "grants", "money"),
    [
        pytest.param(PAID, "60", "0", "50", "0.20", id="the documented example"),
        pytest.param(PAID, "60", "0.40", "40", "0.40", id="while all of it is due"),
        pytest.param(PAID, "60", "5", "40", "0.40", id="while more than it is due"),
        pytest.param(PAID, "20", "0.40", "", "0.40", id="no more than is due"),
        pytest.param(PAID, "5", "0.40", "", "0.10", id="a part of what is due"),
        pytest.param(PAID, "120", "0", "100", "0.40", id="all of it"),
        pytest.param(PAID, "0", "0", "", "0", id="nothing"),
        pytest.param(covered([], "20", "0.40"), "5", "0", "", "0.10", id="no grant paid"),
        pytest.param(covered(["100"], "0", "0"), "5", "0", "5", "0", id="a grant paid all"),
        pytest.param(covered(["60", "40"], "0", "0"), "5", "0", "3 2", "0", id="two grants paid"),
        pytest.param(covered(["1", "1"], "0", "0"), "0.1", "0", "0.1", "0", id="the first one"),
        pytest.param(
            covered(["100"], "20", "0"), "20", "0", "", "0", id="the rest was for nothing"
        ),
    ],
)
def test_what_a_note_gives_back_of_tokens_and_of_the_money_of_their_rest(
    line: UnitLine, amount: str, due: str, grants: str, money: str
) -> None:
    found = return_in_unit(replace(line, amount=Decimal(amount)), Decimal(due), USD)

    assert [one.amount for one in found.returned] == [Decimal(one) for one in grants.split()]
    assert found.money == Decimal(money)
    assert {one.unit for one in found.returned} <= {"TOKENS"}


def sold(drawn: str, cost: str, *, left: str | None = None, cost_left: str | None = None) -> Paid:
    """What a grant paid that was sold, and what notes have left of it."""
    return Paid(
        grant_id=UUID(int=1),
        place=Place.AFTER_TAX,
        left=Decimal(drawn if left is None else left),
        drawn=Decimal(drawn),
        cost=Decimal(cost),
        cost_left=Decimal(cost if cost_left is None else cost_left),
    )


@pytest.mark.parametrize(
    ("paid", "amount", "cost"),
    [
        pytest.param(sold("100", "1"), "50", "0.50", id="half"),
        pytest.param(sold("3", "10"), "1", "3.33", id="a third"),
        pytest.param(sold("3", "10", left="2", cost_left="6.67"), "1", "3.34", id="the next third"),
        pytest.param(sold("3", "10", left="1", cost_left="3.33"), "1", "3.33", id="the last third"),
        pytest.param(sold("3", "0"), "1", "0", id="for nothing"),
        pytest.param(sold("200", "0.01"), "99", "0", id="less than half a cent"),
        pytest.param(sold("200", "0.01"), "100", "0.01", id="half a cent"),
    ],
)
def test_tokens_take_their_part_of_what_they_had_cost_back_with_them(
    paid: Paid, amount: str, cost: str
) -> None:
    line = replace(covered([], "0", "0"), paid=(paid,), amount=Decimal(amount))

    found = return_in_unit(line, ZERO, USD)

    assert found.cost == Decimal(cost)
    assert [one.cost for one in found.returned] == [Decimal(cost)]


@supporting
@given(
    drawn=st.integers(1, 1000),
    cents=st.integers(0, 5000),
    notes=st.lists(st.integers(1, 600), max_size=6),
)
def test_notes_give_back_the_whole_cost_of_tokens_once(
    drawn: int, cents: int, notes: list[int]
) -> None:
    cost = Decimal(cents) / 100
    left, cost_left = Decimal(drawn) / 10, cost
    for tenths in [*notes, drawn]:
        amount = min(Decimal(tenths) / 10, left)
        if amount == 0:
            continue
        paid = sold(str(Decimal(drawn) / 10), str(cost), left=str(left), cost_left=str(cost_left))
        line = replace(covered([], "0", "0"), paid=(paid,), amount=amount)

        found = return_in_unit(line, ZERO, USD)

        assert 0 <= found.cost <= cost_left
        left, cost_left = left - amount, cost_left - found.cost

    assert (left, cost_left) == (0, 0)
