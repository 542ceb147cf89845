"""Which grant pays how much of which line, against a model that counts coins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.cuts import Segment
from billing.credits.drawing import DrawableLine, Lot, at_most, discounted, draw, with_tax
from billing.credits.grants import Grant, GrantKind, Scope
from billing.money import ZERO
from tests.billing.credits.lots import CHARGES, DOLLARS, METERS, START, grant, lines, lots
from tests.billing.credits.naive_credit import may_pay, pay


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


@given(bill=lines(), credit=lots())
def test_draws_are_those_of_the_naive_model(bill: list[DrawableLine], credit: list[Lot]) -> None:
    drawing = draw(bill, credit)

    found = {(one.grant_id, one.position): int(one.amount) for one in drawing.draws}
    assert found == pay(bill, credit)


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


@given(bill=lines(), tax=st.decimals(0, 20, places=2))
def test_no_cent_of_the_tax_is_lost(bill: list[DrawableLine], tax: Decimal) -> None:
    taxable = [one for one in bill if one.is_taxable and one.amount]
    found = with_tax(bill, tax, DOLLARS)

    added = sum((new.amount - old.amount for new, old in zip(found, bill, strict=True)), ZERO)
    assert added == (tax if taxable else 0)
    assert all(new == old for new, old in zip(found, bill, strict=True) if not old.is_taxable)
