"""Corrections: wanted less existing over all documents, and never more than was billed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.identifiers import ChargeId
from billing.invoicing.corrections import (
    BilledCharge,
    Forgiven,
    PeriodCorrection,
    correct_period,
    invoiced_before_line,
    late_usage_line,
)
from billing.rating.lines import CorrectedCharge, LineType, invoiced_before
from tests.billing.builders import JANUARY, USD, d
from tests.billing.profiles import supporting

CALLS, SEATS = ChargeId(UUID(int=1)), ChargeId(UUID(int=2))


def said(billed: str, given_back: str = "0", charge: ChargeId = CALLS) -> BilledCharge:
    return BilledCharge(charge_id=charge, billed=d(billed), given_back=d(given_back))


@pytest.mark.parametrize(
    ("wanted", "billed", "given_back", "change", "cut"),
    [
        ("13.50", "12.00", "0", "1.50", "0"),
        ("12.00", "13.50", "0", "-1.50", "0"),
        ("12.00", "12.0", "0", "0", "0"),
        # 100 billed, 80 given back by hand: voiding the usage gives back the other 20.
        ("0", "100", "80", "-20", "80"),
        # A repeat finds nothing left.
        ("0", "80", "80", "0", "80"),
        # More usage is billed in full: what people gave back they gave for good.
        ("150", "100", "80", "50", "0"),
        ("100", "80", "80", "20", "0"),
    ],
)
def test_a_charge_is_owed_what_it_is_rated_to_and_no_less_than_was_given_back(
    wanted: str, billed: str, given_back: str, change: str, cut: str
) -> None:
    correction = correct_period(3, {CALLS: d(wanted)}, [said(billed, given_back)])

    assert (correction.amount, correction.cut) == (d(change), d(cut))
    assert all(one.period_index == 3 for one in correction.charges)


def test_what_one_charge_gave_back_by_hand_does_not_cap_another() -> None:
    correction = correct_period(
        0, {CALLS: d(0), SEATS: d(100)}, [said("100", "80"), said("100", charge=SEATS)]
    )

    assert correction.charges == (CorrectedCharge(period_index=0, charge_id=CALLS, amount=d(-20)),)


def test_charges_that_are_wanted_no_more_are_owed_nothing() -> None:
    correction = correct_period(0, {}, [said("10"), said("-3", charge=SEATS)])

    assert {one.charge_id: one.amount for one in correction.charges} == {CALLS: -10, SEATS: 3}


def test_a_late_line_says_what_it_comes_from() -> None:
    correction = correct_period(0, {CALLS: d("9" * 29)}, [said("0.01")])
    line = late_usage_line(correction, period=JANUARY, currency=USD, description="Late")

    assert line is not None
    assert (line.type, line.name, line.description) == (LineType.LATE_USAGE, "Late", "Late")
    assert (line.starts_at, line.ends_at) == (JANUARY.starts_at, JANUARY.ends_at)
    assert (line.quantity, line.currency, line.is_taxable) == (1, "USD", True)
    assert str(line.exact_amount) == "9" * 28 + "8.99"
    assert (line.steps[0].name, line.steps[0].output) == ("late_usage", "9" * 28 + "8.99")
    assert line.steps[0].inputs == {"recomputed": "9" * 29, "billed": "0.01"}
    assert [one.amount for one in line.corrections] == [line.exact_amount]


def test_a_late_line_says_what_was_forgiven_and_what_is_kept_because_it_was_given_back() -> None:
    forgiven = (Forgiven(billed=d("100"), amount=d("7")),)
    of_calls = replace(said("100"), forgiven=forgiven)
    correction = correct_period(3, {CALLS: d(110)}, [of_calls, said("50", "20", SEATS)])

    line = late_usage_line(correction, period=JANUARY, currency=USD, description="Late")

    assert correction.period_index == 3
    assert line is not None
    assert line.steps[0].inputs == {
        "recomputed": "110",
        "billed": "150",
        "forgiven": "7",
        "kept_because_given_back": "20",
    }


@pytest.mark.parametrize(("given_back", "left"), [("0", 10), ("4", 6), ("10", 0), ("11", 0)])
def test_what_is_left_of_a_charge_is_what_was_not_given_back(given_back: str, left: int) -> None:
    assert said("10", given_back).left == left


def test_nothing_changed_is_no_line() -> None:
    same = PeriodCorrection(period_index=0, charges=(), recomputed=d(1), billed=d(1))

    assert late_usage_line(same, period=JANUARY, currency=USD, description="Late") is None


@pytest.mark.parametrize(
    ("wanted", "change", "forgiven"),
    [("100", 0, 0), ("104", 0, 4), ("107", 0, 7), ("110", 3, 7), ("95", -5, 0)],
)
def test_what_was_forgiven_is_neither_billed_nor_given_back(
    wanted: str, change: int, forgiven: int
) -> None:
    """100 billed; a void document had said 7 more."""
    present = replace(said("100"), forgiven=(Forgiven(billed=d("100"), amount=d("7")),))

    correction = correct_period(0, {CALLS: d(wanted)}, [present])

    assert (correction.amount, correction.forgiven) == (change, forgiven)


@pytest.mark.parametrize(
    ("wanted", "change", "forgiven"),
    [("100", 0, 0), ("95", 0, -5), ("93", 0, -7), ("90", -3, -7), ("109", 9, 0)],
)
def test_what_was_not_given_back_for_good_stays_billed(
    wanted: str, change: int, forgiven: int
) -> None:
    """100 billed; a void document had given 7 back."""
    present = replace(said("100"), forgiven=(Forgiven(billed=d("100"), amount=d("-7")),))

    correction = correct_period(0, {CALLS: d(wanted)}, [present])

    assert (correction.amount, correction.forgiven) == (change, forgiven)


@pytest.mark.parametrize(
    ("wanted", "given_back", "change"), [("0", "0", 0), ("9", "0", 9), ("0", "2", 2), ("1", "2", 2)]
)
def test_what_is_billed_below_nothing_stays_where_the_rest_was_forgiven(
    wanted: str, given_back: str, change: int
) -> None:
    """Its own invoice is void, another one gave 7 back; a void document had said 7 more."""
    present = replace(said("-7", given_back), forgiven=(Forgiven(billed=d("-7"), amount=d("7")),))

    assert correct_period(0, {CALLS: d(wanted)}, [present]).amount == change


def test_what_was_forgiven_of_a_correction_that_notes_had_cut_is_not_given_back_later() -> None:
    """Of 100 people gave 80 back; the usage is void, and the document that said 20 less too."""
    present = replace(said("100", "80"), forgiven=(Forgiven(billed=d("100"), amount=d("-20")),))

    assert correct_period(0, {CALLS: d("0")}, [present]).charges == ()
    assert correct_period(0, {CALLS: d("110")}, [present]).amount == 10


amounts = st.integers(0, 10**6).map(lambda minor: Decimal(minor).scaleb(-2))


@supporting
@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=6), amounts)
def test_corrections_in_any_order_end_where_one_correction_would(
    steps: list[tuple[Decimal, Decimal]], first: Decimal
) -> None:
    """Whatever is wanted and given back in turn, documents and notes add up to what is owed."""
    billed, given_back = first, d(0)

    for wanted, asked in steps:
        left = said(str(billed), str(given_back)).left
        given_back += min(asked, left)
        correction = correct_period(0, {CALLS: wanted}, [said(str(billed), str(given_back))])
        billed += correction.amount

        assert billed == max(wanted, given_back)
        assert billed - given_back >= 0
        again = correct_period(0, {CALLS: wanted}, [said(str(billed), str(given_back))])
        assert again.charges == ()


def test_a_line_takes_off_what_was_invoiced_before() -> None:
    # 60 were invoiced of what comes to 150, and all of it is billed again.
    correction = correct_period(0, {CALLS: d(150)}, [said("210")])

    line = invoiced_before_line(correction, period=JANUARY, currency=USD, description="Before")

    assert line is not None
    assert (line.type, line.name, line.description) == (
        LineType.INVOICED_BEFORE,
        "Before",
        "Before",
    )
    assert (line.starts_at, line.ends_at) == (JANUARY.starts_at, JANUARY.ends_at)
    assert (line.quantity, line.currency, line.is_taxable) == (1, "USD", True)
    assert (line.exact_amount, line.steps[0].output) == (-60, "-60")
    assert (line.steps[0].name, line.steps[0].inputs) == (
        "invoiced_before",
        {"period_so_far": "150"},
    )
    assert invoiced_before([line]) == {CALLS: 60}


def test_what_was_given_back_of_it_stays_given_back() -> None:
    correction = correct_period(0, {CALLS: d(15)}, [said("75", "20")])

    line = invoiced_before_line(correction, period=JANUARY, currency=USD, description="Before")

    assert line is not None
    assert (line.exact_amount, line.steps[0].inputs) == (
        -55,
        {"period_so_far": "15", "given_back": "5"},
    )


def test_where_nothing_was_invoiced_there_is_no_line() -> None:
    correction = correct_period(0, {CALLS: d(15)}, [said("15")])

    line = invoiced_before_line(correction, period=JANUARY, currency=USD, description="Before")

    assert line is None


def test_lines_of_other_kinds_say_nothing_of_what_was_invoiced() -> None:
    correction = correct_period(0, {CALLS: d(15)}, [said("5")])
    late = late_usage_line(correction, period=JANUARY, currency=USD, description="Late")

    assert late is not None
    assert invoiced_before([late]) == {}
