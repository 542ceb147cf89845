"""Which grant pays how much of which line, against a model that counts coins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.cuts import Segment
from billing.credits.drawing import (
    Draw,
    DrawableLine,
    Lot,
    at_most,
    discounted,
    draw,
    share_costs,
    with_tax,
)
from billing.credits.expiry import CostBasis
from billing.credits.grants import Grant, GrantKind, Place, Scope
from billing.money import ZERO
from billing.units import Unit
from tests.billing.credits.lots import CHARGES, DOLLARS, METERS, START, grant, lines, lots
from tests.billing.credits.naive_credit import may_pay, pay
from tests.billing.profiles import supporting


def line(*amounts: int, position: int = 0, **terms: object) -> DrawableLine:
    """A line with so much used on each day from the first on."""
    segments = tuple(
        Segment(used_at=START + timedelta(days=place), amount=Decimal(amount))
        for place, amount in enumerate(amounts)
    )
    return DrawableLine(position=position, segments=segments, **terms)  # type: ignore[arg-type]  # what a test says by name


def lot(one: Grant) -> Lot:
    return Lot(grant=one, rest=one.amount)


def paid_by(one: Grant, lines: Sequence[DrawableLine], *others: Grant) -> Decimal:
    drawing = draw(lines, [lot(one), *map(lot, others)])
    return sum((x.amount for x in drawing.draws if x.grant_id == one.grant_id), ZERO)


def test_what_was_used_before_an_expiry_is_paid_by_what_expires() -> None:
    expires = grant(amount=Decimal(12), expires_at=START + timedelta(days=1))
    lasts = grant(amount=Decimal(12))

    assert paid_by(expires, [line(10, 5)], lasts) == 10
    assert paid_by(lasts, [line(10, 5)], expires) == 5


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"priority": 10, "kind": GrantKind.PAID}, {"priority": 20}),
        ({"expires_at": START + timedelta(days=9)}, {"expires_at": START + timedelta(days=10)}),
        (
            {"expires_at": START + timedelta(days=9)},
            {"applies_to": Scope(charge_ids=frozenset(CHARGES))},
        ),
        ({"applies_to": Scope(meter_ids=frozenset(METERS)), "kind": GrantKind.PAID}, {}),
        ({"kind": GrantKind.FREE, "effective_at": START}, {"kind": GrantKind.PAID}),
        ({"effective_at": START - timedelta(days=2)}, {"effective_at": START - timedelta(days=1)}),
        ({"sequence": 1}, {"sequence": 2}),
    ],
    ids=["priority", "expiry", "expiry or never", "restricted", "free", "older", "made first"],
)
def test_grants_pay_in_their_order(first: dict[str, object], then: dict[str, object]) -> None:
    one, other = grant(**first), grant(**then)
    bill = [line(60, charge_id=CHARGES[0], meter_id=METERS[0])]

    assert (paid_by(one, bill, other), paid_by(other, bill, one)) == (60, 0)


def test_restricted_grant_pays_only_what_it_is_for() -> None:
    for_calls = grant(applies_to=Scope(meter_ids=frozenset([METERS[0]])))
    bill = [line(7, position=0), line(9, position=1, meter_id=METERS[0])]

    drawing = draw(bill, [lot(for_calls)])

    assert [(one.position, one.amount) for one in drawing.draws] == [(1, 9)]
    assert [one.amount for one in drawing.left] == [7, 0]


def test_later_lines_find_what_earlier_ones_left() -> None:
    drawing = draw([line(70), line(50, position=1)], [lot(grant())])

    assert [(one.position, one.amount) for one in drawing.draws] == [(0, 70), (1, 30)]
    assert drawing.amount == 100


@supporting
@given(bill=lines(), credit=lots())
def test_draws_are_those_of_the_naive_model(bill: list[DrawableLine], credit: list[Lot]) -> None:
    drawing = draw(bill, credit)

    found = {(one.grant_id, one.position): int(one.amount) for one in drawing.draws}
    assert found == pay(bill, credit)


@supporting
@given(bill=lines(), credit=lots())
def test_draws_are_within_lines_rests_and_lives(
    bill: list[DrawableLine], credit: list[Lot]
) -> None:
    drawing = draw(bill, credit)

    for lot_ in credit:
        drawn = sum((x.amount for x in drawing.draws if x.grant_id == lot_.grant.grant_id), ZERO)
        assert drawn <= lot_.rest
    for before, after in zip(bill, drawing.left, strict=True):
        drawn = sum((x.amount for x in drawing.draws if x.position == before.position), ZERO)
        assert before.amount - drawn == after.amount
    # Nobody who may still pay has anything left (I7).
    rests = {x.grant.grant_id: x.rest for x in credit}
    for one in drawing.draws:
        rests[one.grant_id] -= one.amount
    for left in drawing.left:
        for segment in left.segments:
            assert not any(
                rests[x.grant.grant_id] > 0
                and may_pay(x.grant, left.charge_id, left.meter_id, segment.used_at)
                for x in credit
            )


@supporting
@given(bill=lines(), most=st.integers(-5, 60))
def test_bill_with_lines_below_zero_is_paid_only_as_far_as_it_goes(
    bill: list[DrawableLine], most: int
) -> None:
    whole = sum((one.amount for one in bill), ZERO)

    found = at_most(bill, Decimal(most))

    assert sum((one.amount for one in found), ZERO) == max(min(whole, Decimal(most)), ZERO)
    assert all(new.amount <= old.amount for new, old in zip(found, bill, strict=True))


def test_discount_is_taken_from_what_was_used_last() -> None:
    [found] = discounted([line(6, 6)], {0: Decimal(8)})

    assert [(one.used_at, one.amount) for one in found.segments] == [(START, 4)]


@supporting
@given(bill=lines(), tax=st.decimals(0, 20, places=2))
def test_no_cent_of_the_tax_is_lost(bill: list[DrawableLine], tax: Decimal) -> None:
    taxable = [one for one in bill if one.is_taxable and one.amount]
    found = with_tax(bill, tax, DOLLARS)

    added = sum((new.amount - old.amount for new, old in zip(found, bill, strict=True)), ZERO)
    assert added == (tax if taxable else 0)
    assert all(new == old for new, old in zip(found, bill, strict=True) if not old.is_taxable)


def drawn(bill: Sequence[DrawableLine], credit: Sequence[Lot]) -> dict[tuple[object, int], Decimal]:
    return {(one.grant_id, one.position): one.amount for one in draw(bill, credit).draws}


@supporting
@given(bill=lines(), credit=lots(), turn=st.integers(0, 5))
def test_draws_do_not_depend_on_the_order_in_which_grants_are_found(
    bill: list[DrawableLine], credit: list[Lot], turn: int
) -> None:
    cut = turn % (len(credit) + 1)

    assert drawn(bill, credit[cut:] + credit[:cut]) == drawn(bill, credit)


@supporting
@given(bill=lines(), credit=lots())
def test_a_hundred_times_of_everything_draws_a_hundred_times_as_much(
    bill: list[DrawableLine], credit: list[Lot]
) -> None:
    large = [
        replace(one, segments=tuple(replace(x, amount=x.amount * 100) for x in one.segments))
        for one in bill
    ]
    rich = [
        replace(one, grant=replace(one.grant, amount=one.grant.amount * 100), rest=one.rest * 100)
        for one in credit
    ]

    assert drawn(large, rich) == {key: 100 * one for key, one in drawn(bill, credit).items()}


@supporting
@given(bill=lines(), credit=lots(), more=lots())
def test_who_has_more_credit_pays_no_more_money(
    bill: list[DrawableLine], credit: list[Lot], more: list[Lot]
) -> None:
    others = [
        replace(one, grant=replace(one.grant, grant_id=UUID(int=500 + place)))
        for place, one in enumerate(more)
    ]

    assert draw(bill, [*credit, *others]).amount >= draw(bill, credit).amount


@supporting
@given(bill=lines(), credit=lots())
def test_what_is_left_of_a_bill_is_not_paid_by_the_same_credit_again(
    bill: list[DrawableLine], credit: list[Lot]
) -> None:
    first = draw(bill, credit)
    spent = {one.grant.grant_id: ZERO for one in credit}
    for one in first.draws:
        spent[one.grant_id] += one.amount
    rests = [replace(one, rest=one.rest - spent[one.grant.grant_id]) for one in credit]

    assert draw(first.left, rests).draws == ()


def test_a_grant_of_which_nothing_is_left_pays_nothing() -> None:
    assert draw([line(5)], [replace(lot(grant()), rest=ZERO)]).draws == ()
    assert draw([], [lot(grant())]).amount == 0


TOKENS = Unit(code="TOKENS", scale=0)


def test_a_line_in_an_own_unit_is_paid_by_grants_in_that_unit_alone() -> None:
    tokens, dollars = grant(unit=TOKENS, amount=Decimal(9)), grant(amount=Decimal(9))

    drawing = draw([line(5, unit="TOKENS")], [lot(dollars), lot(tokens)])

    assert [(one.grant_id, one.amount, one.unit) for one in drawing.draws] == [
        (tokens.grant_id, 5, "TOKENS")
    ]
    assert draw([line(5, unit="POINTS")], [lot(dollars), lot(tokens)]).draws == ()


def test_a_draw_of_money_is_worth_what_it_is_and_one_of_tokens_what_they_had_cost() -> None:
    one = Draw(grant_id=grant().grant_id, position=0, amount=Decimal(5), place=Place.AFTER_TAX)

    assert one.money == 5
    assert replace(one, unit="TOKENS").money == 0
    assert replace(one, unit="TOKENS", cost=Decimal("0.10")).money == Decimal("0.10")


def test_what_was_sold_pays_bills_in_the_currency_of_its_cost() -> None:
    sold = replace(lot(grant(unit=TOKENS)), cost=CostBasis(amount=ZERO, currency="EUR", left=ZERO))

    assert (sold.pays_in("EUR"), sold.pays_in("USD")) == (True, False)
    assert lot(grant(unit=TOKENS)).pays_in("USD")


def test_what_nobody_paid_for_has_no_cost_to_share() -> None:
    free = lot(grant(unit=TOKENS))
    draws = draw([line(5, unit="TOKENS"), line(7, position=1, unit="TOKENS")], [free]).draws

    assert [one.cost for one in share_costs(draws, [free])] == [0, 0]


@pytest.mark.parametrize(
    ("most", "left"),
    [("12", "5 7"), ("9", "5 4"), ("5", "5 0"), ("3", "3 0"), ("0", "0 0"), ("-4", "0 0")],
)
def test_the_last_lines_give_back_first_what_is_not_to_be_paid(most: str, left: str) -> None:
    found = at_most([line(5), line(7, position=1)], Decimal(most))

    assert [one.amount for one in found] == [Decimal(one) for one in left.split()]


@pytest.mark.parametrize(
    ("tax", "amounts"),
    [("4", "11 33 5"), ("0.01", "10 30.01 5"), ("0.03", "10.01 30.02 5"), ("0", "10 30 5")],
)
def test_tax_is_spread_over_taxable_lines_by_what_is_left_of_each(tax: str, amounts: str) -> None:
    bill = [line(10), line(30, position=1), line(5, position=2, is_taxable=False)]

    found = with_tax(bill, Decimal(tax), DOLLARS)

    assert [one.amount for one in found] == [Decimal(one) for one in amounts.split()]


def test_the_tax_of_a_line_is_spread_over_its_parts() -> None:
    [found] = with_tax([line(3, 1)], Decimal("0.40"), DOLLARS)

    assert [one.amount for one in found.segments] == [Decimal("3.30"), Decimal("1.10")]


def test_the_tax_of_what_own_units_had_cost_is_due_where_they_were_used() -> None:
    """The cost itself is paid: only its tax joins the line."""
    cost = Segment(used_at=START + timedelta(days=5), amount=Decimal(10))

    [found] = with_tax([line(30)], Decimal(4), DOLLARS, {0: [cost]})

    assert [(one.used_at, one.amount) for one in found.segments] == [(START, 33), (cost.used_at, 1)]
    assert with_tax([line(0)], Decimal(4), DOLLARS) == (line(0),)
