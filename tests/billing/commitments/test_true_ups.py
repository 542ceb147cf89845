"""What a term comes to beside its lines, as relations: of its parts, its bills and its factor."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.commitments.terms import CommitmentTerms
from billing.commitments.true_ups import TermBill, TermPeriod
from billing.errors import InvalidInput
from billing.invoicing.true_ups import said_of, true_up_lines
from billing.money import find_currency
from billing.rating.lines import CorrectedCharge, LineType, PricedLine
from billing.ratios import Exact, Ratio
from billing.units import Unit
from tests.billing.builders import USD, d
from tests.billing.discounts.redeemed import CHARGES
from tests.billing.invoicing.lines import line
from tests.billing.naive import round_half_away
from tests.billing.profiles import supporting

JPY = find_currency("JPY")


def committed(amount: str = "100", *, periods: int = 1, factor: str = "1") -> CommitmentTerms:
    return CommitmentTerms(
        commitment_id=UUID(int=9),
        amount=d(amount),
        term_periods=periods,
        overage_factor=d(factor),
    )


def term(amount: str = "100", *billed: str, factor: str = "1", **given: object) -> TermBill:
    """A term of as many whole periods as were billed, one at least."""
    periods = tuple(
        TermPeriod(period_index=at, billed=d(one)) for at, one in enumerate(billed or ("0",))
    )
    return TermBill(
        commitment=committed(amount, periods=len(periods), factor=factor),
        periods=periods,
        **given,  # type: ignore[arg-type]  # what a test says by name
    )


def fraction(number: Exact) -> Fraction:
    return Fraction(str(number))


OWED: list[tuple[str, TermBill, Exact]] = [
    ("nothing spent", term("100"), d(100)),
    ("a part of it", term("100", "60"), d(40)),
    ("a cent less", term("100", "99.99"), d("0.01")),
    ("exactly", term("100", "100"), d(0)),
    ("more, at the same price", term("100", "140"), d(0)),
    ("more, at a higher price", term("100", "140", factor="1.5"), d(20)),
    ("more, at a lower price", term("100", "140", factor="0.8"), d(-8)),
    ("more, for nothing", term("100", "140", factor="0"), d(-40)),
    ("by its own bill too", term("100", "60", own=d(10)), d(30)),
    ("two periods", term("100", "60", "30"), d(10)),
    ("below nothing", term("100", "-20"), d(120)),
    ("no less than was given back", term("100", "90", given_back=d(30)), d(30)),
    ("more than was given back", term("100", "50", given_back=d(30)), d(50)),
    ("given back of what is beyond", term("100", "140", given_back=d(5)), d(5)),
    ("a third", TermBill(commitment=committed(), periods=(TermPeriod(period_index=0, total=3),)),
     Ratio(100, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("bill", "owed"), [one[1:] for one in OWED], ids=[one[0] for one in OWED])
def test_what_a_term_comes_to_beside_its_lines(bill: TermBill, owed: Exact) -> None:
    assert bill.owed == owed


@pytest.mark.parametrize(
    ("spent", "is_beyond"), [("0", False), ("99.99", False), ("100", False), ("100.01", True)]
)
def test_only_what_is_above_the_commitment_is_beyond_it(spent: str, *, is_beyond: bool) -> None:
    assert term("100", spent).is_beyond is is_beyond


def test_a_bill_settles_the_term_of_its_last_period_and_corrects_any_other() -> None:
    two = term("100", "0", "0")

    assert [replace(two, own_index=one).is_correction for one in (None, 0, 1)] == [
        True,
        True,
        False,
    ]
    assert [two.has_period(one) for one in (-1, 0, 1, 2)] == [False, True, True, False]


def test_a_bill_says_what_others_have_not_said() -> None:
    assert term("100", "60", said=d(0)).left_to_say(USD) == 40
    assert term("100", "60", said=d(40)).left_to_say(USD) == 0
    assert term("100", "70", said=d(40)).left_to_say(USD) == -10
    third = TermBill(commitment=committed(), periods=(TermPeriod(period_index=0, total=3),))
    assert third.left_to_say(USD) == Ratio(100, 3)
    assert replace(third, said=d("33.33")).left_to_say(USD) == 0
    assert replace(third, said=d("33.00")).left_to_say(USD) == d("0.33")


days = st.lists(st.integers(1, 9), min_size=1, max_size=5)
cents = st.integers(-5_000, 20_000).map(lambda one: Decimal(one).scaleb(-2))


@supporting
@given(days, st.integers(1, 10**6), st.integers(1, 12))
def test_a_period_in_parts_is_committed_to_what_it_is_whole(
    lengths: list[int], amount: int, periods: int
) -> None:
    total = sum(lengths)
    parts = tuple(
        TermPeriod(period_index=at, covered=one, total=total) for at, one in enumerate(lengths)
    )
    its = committed(str(Decimal(amount).scaleb(-2)), periods=periods)

    in_parts = TermBill(commitment=its, periods=parts)
    whole = TermBill(commitment=its, periods=(TermPeriod(period_index=0),))

    assert in_parts.committed == whole.committed
    assert fraction(whole.committed) == Fraction(amount, 100 * periods)


@supporting
@given(cents, st.integers(0, 300), st.integers(1, 20_000))
def test_who_spends_more_never_pays_less_in_all_unless_what_is_beyond_is_for_nothing(
    spent: Decimal, percent: int, more: int
) -> None:
    factor = str(Decimal(percent).scaleb(-2))

    less, most = (
        fraction(bill.spent) + fraction(bill.owed)
        for bill in (
            term("100", str(one), factor=factor) for one in (spent, spent + Decimal(more) / 100)
        )
    )

    assert less <= most
    assert less >= 100
    beyond = max(Fraction(0), Fraction(spent) - 100)
    assert less == 100 + beyond * Fraction(percent, 100)


@supporting
@given(cents, st.lists(cents, max_size=4), st.integers(1, 40))
def test_bills_of_a_term_say_together_what_the_last_one_owes(
    amount: Decimal, corrections: list[Decimal], total: int
) -> None:
    """Whatever is corrected afterwards, what bills said is what one would say now."""
    its = TermBill(
        commitment=committed("100", factor="1.5"),
        periods=(TermPeriod(period_index=0, total=total, billed=amount),),
    )
    for one in [d(0), *corrections]:
        its = replace(its, own=its.own + one)
        said = USD.round(its.left_to_say(USD))
        its = replace(its, said=its.said + said)

        assert Fraction(its.said) == round_half_away(fraction(its.owed), 2)


def of_charge(amount: str, at: int = 0, **given: object) -> PricedLine:
    return replace(line(amount), charge_id=CHARGES[at], **given)  # type: ignore[arg-type]  # what a test says by name


def late(*changes: tuple[int, int, str], kind: LineType = LineType.LATE_USAGE) -> PricedLine:
    return replace(
        line("0"),
        type=kind,
        corrections=tuple(
            CorrectedCharge(period_index=index, charge_id=CHARGES[at], amount=d(amount))
            for index, at, amount in changes
        ),
    )


def test_a_bill_says_of_a_term_what_its_lines_and_corrections_do() -> None:
    own = term("100", "0", "0", own_index=1)
    named = replace(own, commitment=replace(own.commitment, charge_ids=(CHARGES[0],)))
    left = [
        (of_charge("60"), d(54)),
        (of_charge("30", 1), d(30)),
        (line("7"), d(7)),
        (late((0, 0, "5"), (1, 1, "3"), (2, 0, "100")), d(108)),
        (late((1, 0, "-20"), kind=LineType.INVOICED_BEFORE), d(-20)),
        (of_charge("9", priced_in=Unit(code="TOKENS", scale=0), overage_rate=d(1)), d(9)),
    ]

    assert said_of(left, own) == 54 + 30 + 5 + 3 - 20
    assert said_of(left, named) == 54 + 5 - 20
    assert said_of(left, replace(own, own_index=None)) == 5 + 3 - 20
    assert said_of([], own) == 0


@pytest.mark.parametrize(
    ("bill", "name", "amount", "steps"),
    [
        (term("100", "60", own_index=0), "Commitment true-up", "40",
         ["commitment", "spent", "true_up"]),
        (term("100", "140", factor="1.5", own_index=0), "Usage above the commitment", "20",
         ["commitment", "spent", "above_commitment"]),
        (term("100", "140", factor="0.5", own_index=0), "Usage above the commitment", "-20",
         ["commitment", "spent", "above_commitment"]),
        (term("100", "60", said=d(30)), "Correction of a commitment", "10",
         ["commitment", "spent", "true_up", "already_billed"]),
    ],
)  # fmt: skip
def test_a_line_says_what_a_term_adds_and_from_what(
    bill: TermBill, name: str, amount: str, steps: list[str]
) -> None:
    [found] = true_up_lines([], [bill], USD)

    assert (found.name, found.description, found.type) == (name, name, LineType.TRUE_UP)
    assert (found.exact_amount, found.quantity, found.charge_id) == (d(amount), 1, None)
    assert found.is_taxable
    assert [one.name for one in found.steps] == steps
    assert found.true_up == bill


def test_steps_of_a_true_up_have_every_number() -> None:
    bill = term("100", "60", "80", factor="1.5", said=d(5), given_back=d(10))

    [found] = true_up_lines([(late((0, 0, "2")), d(2))], [bill], USD)

    commitment, spent, above, said = found.steps
    assert (dict(commitment.inputs), commitment.output) == (
        {"amount": "100", "term_periods": "2", "periods": "2"}, "100",
    )  # fmt: skip
    assert (dict(spent.inputs), spent.output) == (
        {"by_other_documents": "140", "by_this_one": "2"}, "142",
    )  # fmt: skip
    assert (dict(above.inputs), above.output) == (
        {"committed": "100", "spent": "142", "overage_factor": "1.5",
         "kept_because_given_back": "10"}, "21",
    )  # fmt: skip
    assert (dict(said.inputs), said.output) == ({"owed": "21", "billed": "5"}, "16")


def test_what_rounds_to_nothing_is_no_line() -> None:
    assert true_up_lines([], [term("100", "99.999")], USD) == []
    assert true_up_lines([], [term("100", "99.6")], JPY) == []
    assert len(true_up_lines([], [term("100", "99.5")], JPY)) == 1
    assert true_up_lines([], [], USD) == []


@pytest.mark.parametrize(
    ("amount", "currency", "is_whole"),
    [("0.01", "USD", True), ("0.001", "USD", False), ("1", "JPY", True), ("1.5", "JPY", False),
     ("0.001", "KWD", True), ("12000.00", "usd", True)],
)  # fmt: skip
def test_a_commitment_is_in_whole_minor_units(
    amount: str, currency: str, *, is_whole: bool
) -> None:
    if is_whole:
        committed(amount).require_whole(currency)
        return
    with pytest.raises(InvalidInput) as refused:
        committed(amount).require_whole(currency)
    assert refused.value.field == "amount"
