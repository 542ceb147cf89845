"""A period whose draft people rewrote is corrected as one, with as little against its charges."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.identifiers import ChargeId
from billing.invoicing.corrections import (
    BilledCharge,
    BilledPeriod,
    Forgiven,
    PeriodCorrection,
    correct_period,
    left_of_rewritten,
)
from billing.money import ZERO
from tests.billing.builders import d
from tests.billing.profiles import supporting

CALLS, SEATS, DISKS = CHARGES = tuple(ChargeId(UUID(int=number)) for number in (1, 2, 3))

amounts = st.integers(-500, 500).map(Decimal)
by_charge = st.dictionaries(st.sampled_from(CHARGES), amounts)


def said(**billed: str) -> list[BilledCharge]:
    """What documents since say of each charge."""
    charges = {"calls": CALLS, "seats": SEATS, "disks": DISKS}
    return [
        BilledCharge(charge_id=charges[name], billed=d(amount)) for name, amount in billed.items()
    ]


def changes(correction: PeriodCorrection) -> dict[ChargeId, Decimal]:
    return {one.charge_id: one.amount for one in correction.charges}


def test_no_more_is_given_back_than_people_wrote() -> None:
    """Of usage of 100 people billed 5: voiding all of it gives back those 5."""
    as_one = BilledPeriod(billed=d(100), at_least=d(95))

    correction = correct_period(0, {CALLS: ZERO}, [], as_one)

    assert (correction.amount, correction.billed, correction.cut) == (-5, 100, 95)


def test_more_usage_is_billed_by_what_it_is_more() -> None:
    as_one = BilledPeriod(billed=d(100), at_least=d(95))

    assert changes(correct_period(0, {CALLS: d(103)}, [], as_one)) == {CALLS: 3}


def test_charge_that_gives_back_most_gives_back_less_first() -> None:
    as_one = BilledPeriod(billed=d(14), at_least=d(8))

    correction = correct_period(0, {}, said(calls="4", seats="10"), as_one)

    assert changes(correction) == {CALLS: -4, SEATS: -2}


def test_charge_that_is_billed_most_is_billed_less_first() -> None:
    wanted = {SEATS: d(4), CALLS: d(10)}

    correction = correct_period(0, wanted, [], BilledPeriod(billed=d(8)))

    assert changes(correction) == {CALLS: 2, SEATS: 4}


def test_what_the_first_charge_cannot_take_the_next_one_does() -> None:
    as_one = BilledPeriod(billed=d(17), at_least=d(14))

    correction = correct_period(0, {}, said(calls="10", seats="4", disks="3"), as_one)

    assert changes(correction) == {DISKS: -3}


def test_what_was_forgiven_of_the_period_is_not_billed_again() -> None:
    forgiven = (Forgiven(billed=d(100), amount=d(7)),)

    correction = correct_period(
        0, {CALLS: d(107)}, [], BilledPeriod(billed=d(100), forgiven=forgiven)
    )

    assert (correction.charges, correction.forgiven) == ((), 7)


@supporting
@given(wanted=by_charge, billed=by_charge, of_all=amounts, at_least=st.none() | amounts)
def test_changes_of_charges_come_to_that_of_the_period_and_are_moved_no_further_than_needed(
    wanted: dict[ChargeId, Decimal],
    billed: dict[ChargeId, Decimal],
    of_all: Decimal,
    at_least: Decimal | None,
) -> None:
    documents = [BilledCharge(charge_id=one, billed=amount) for one, amount in billed.items()]
    if not wanted and not billed:
        wanted = {CALLS: ZERO}

    correction = correct_period(
        0, wanted, documents, BilledPeriod(billed=of_all, at_least=at_least)
    )

    rated = sum((max(wanted.get(one, ZERO), ZERO) for one in {*wanted, *billed}), ZERO)
    owed = rated if at_least is None else max(rated, at_least)
    alone = {
        one: max(wanted.get(one, ZERO), ZERO) - billed.get(one, ZERO) for one in {*wanted, *billed}
    }
    found = changes(correction)
    assert correction.amount == owed - of_all
    moved = sum(abs(found.get(one, ZERO) - change) for one, change in alone.items())
    assert moved == abs(owed - of_all - sum(alone.values(), ZERO))


@pytest.mark.parametrize(
    ("written", "documents", "left"),
    [
        ("5", [], "5"),
        ("5", [("10", "10")], "5"),
        ("5", [("10", "0"), ("-3", "0")], "12"),
        ("5", [("-10", "0")], "0"),
        ("0", [("4", "4")], "0"),
    ],
)
def test_what_is_left_of_a_rewritten_period_counts_all_that_was_said_since(
    written: str, documents: list[tuple[str, str]], left: str
) -> None:
    since = [
        BilledCharge(charge_id=CALLS, billed=d(billed), given_back=d(given_back))
        for billed, given_back in documents
    ]

    assert left_of_rewritten(d(written), since) == d(left)
