"""What a credit note gives back to the grants that paid of its lines, and what in money."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.grants import Place
from billing.credits.returns import CoveredLine, Paid, Returned, return_gross, return_net
from billing.money import ZERO
from billing.units import Unit, currency_unit
from tests.billing.builders import d
from tests.billing.profiles import supporting

GRANT = UUID("01a22a00-1d94-74fb-a813-08ac5a204c6d")
TWENTY_FIVE = Decimal(25)
USD, JPY = currency_unit("USD"), currency_unit("JPY")
BEFORE, AFTER = Place.BEFORE_TAX, Place.AFTER_TAX


def covered(
    amount: str, left: str, *paid: str, position: int = 0, place: Place = BEFORE
) -> CoveredLine:
    """A line of which a note gives back so much, with what each grant has paid of it."""
    return CoveredLine(
        position=position,
        amount=d(amount),
        left=d(left),
        is_taxable=True,
        paid=tuple(
            Paid(grant_id=UUID(int=number), place=place, left=d(one))
            for number, one in enumerate(paid)
        ),
    )


def net(lines: Sequence[CoveredLine], due: str = "0", unit: Unit = USD) -> tuple[list[str], str]:
    """In money by line, and to grants in turn."""
    found = return_net(lines, d(due), unit)
    money = [f"{found.money[one.position]:f}" for one in lines]
    return money, " ".join(f"{one.amount:f}" for one in found.returned)


@pytest.mark.parametrize(("received", "back"), [("0", "25"), ("6", "19"), ("25", "0")])
def test_no_more_money_goes_back_than_was_received_of_any_line(received: str, back: str) -> None:
    """The example of ``return_gross``: the note on the first line has lowered what was due."""
    paid = Paid(grant_id=GRANT, place=Place.AFTER_TAX, left=TWENTY_FIVE)
    first = CoveredLine(
        position=1, amount=Decimal(0), left=Decimal(0), is_taxable=False, paid=(paid,)
    )
    second = CoveredLine(position=2, amount=TWENTY_FIVE, left=TWENTY_FIVE, is_taxable=False)

    returned = return_gross(
        [second],
        TWENTY_FIVE,
        others=[first],
        given={2: TWENTY_FIVE},
        left={1: Decimal(0), 2: TWENTY_FIVE},
        received=Decimal(received),
        unit=currency_unit("USD"),
    )

    expected = Returned(grant_id=GRANT, position=1, amount=Decimal(back), place=Place.AFTER_TAX)
    assert returned == ((expected,) if expected.amount else ())


@pytest.mark.parametrize(
    ("line", "due", "money", "grants"),
    [
        pytest.param(covered("50", "100", "40"), "0", "30.00", "20.00", id="as it was settled"),
        pytest.param(covered("50", "100", "40"), "100", "50", "", id="all of it was due"),
        pytest.param(covered("50", "100", "40"), "20", "35.00", "15.00", id="a part was due"),
        pytest.param(covered("80", "100", "40"), "100", "60.00", "20.00", id="money was all due"),
        pytest.param(covered("100", "100", "40"), "0", "60.00", "40.00", id="the whole line"),
        pytest.param(covered("100", "100"), "0", "100.00", "", id="no grant paid"),
        pytest.param(covered("10", "100", "100"), "0", "0.00", "10.00", id="a grant paid all"),
        pytest.param(covered("10", "100", "100"), "50", "0.00", "10.00", id="nothing of it is due"),
        pytest.param(covered("0.01", "2", "1"), "0", "0.00", "0.01", id="a tie goes to the grant"),
        pytest.param(covered("0.01", "2", "1", "1"), "0", "0.00", "0.01", id="to the first grant"),
        pytest.param(covered("0.03", "4", "1", "2"), "0", "0.01", "0.01 0.01", id="a tie of three"),
        pytest.param(covered("0", "100", "40"), "0", "0", "", id="nothing is given back"),
    ],
)
def test_before_tax_what_is_due_is_lowered_and_the_rest_goes_back_as_it_was_settled(
    line: CoveredLine, due: str, money: str, grants: str
) -> None:
    found_money, found_grants = net([line], due)

    assert ([d(one) for one in found_money], found_grants) == ([d(money)], grants)


def test_the_first_line_lowers_what_is_due_before_the_second() -> None:
    lines = [covered("10", "20", "5"), covered("10", "20", "10", position=1)]

    assert net(lines, "12") == (["10", "5.56"], "4.44")


def test_yen_go_back_whole() -> None:
    assert net([covered("5", "9", "3", "3")], unit=JPY) == (["1"], "2 2")


def test_grants_that_paid_with_tax_get_nothing_of_the_net() -> None:
    assert net([covered("50", "100", "40", place=AFTER)]) == (["50.00"], "")


cents = st.integers(0, 3000).map(lambda one: Decimal(one).scaleb(-2))


@supporting
@given(
    paid=st.lists(cents, max_size=3),
    by_money=cents,
    notes=st.lists(st.tuples(st.integers(1, 2000), cents), min_size=1, max_size=5),
)
def test_notes_on_a_line_give_back_what_each_has_paid_and_no_more(
    paid: list[Decimal], by_money: Decimal, notes: list[tuple[int, Decimal]]
) -> None:
    grants = dict(enumerate(paid))
    left = sum(paid, ZERO) + by_money
    for wanted, due in [*notes, (10**6, ZERO)]:
        amount = min(Decimal(wanted).scaleb(-2), left)
        line = covered(str(amount), str(left), *(str(one) for one in grants.values()))

        found = return_net([line], due, USD)

        back = {one.grant_id.int: one.amount for one in found.returned}
        assert sum(back.values(), ZERO) + found.money[0] == amount
        assert found.money[0] >= min(amount, left - sum(grants.values(), ZERO), due)
        for number, one in back.items():
            assert 0 < one <= grants[number]
            grants[number] -= one
        left -= amount

    assert left == 0
    assert all(one == 0 for one in grants.values())


def gross(
    lines: Sequence[CoveredLine], rest: str, *, left: str, received: str, given: str = ""
) -> str:
    """To grants in turn, of lines of which as much was left with tax as said."""
    weights = [d(one) for one in given.split()] or [one.amount for one in lines]
    found = return_gross(
        lines,
        d(rest),
        others=(),
        given={one.position: weight for one, weight in zip(lines, weights, strict=True)},
        left={one.position: d(left) for one in lines},
        received=d(received),
        unit=USD,
    )
    return " ".join(f"{one.amount:f}" for one in found)


@pytest.mark.parametrize(
    ("rest", "left", "received", "grants"),
    [
        pytest.param("118", "118", "118", "40.00", id="all of it"),
        pytest.param("59", "118", "78", "20.00", id="half of it"),
        pytest.param("0", "118", "118", "", id="nothing"),
        pytest.param("-1", "118", "118", "", id="less than nothing"),
        pytest.param("59", "118", "0", "40", id="no money was received"),
        pytest.param("59", "118", "30", "29.00", id="less money than its part was received"),
        pytest.param("59", "40", "0", "40.00", id="more than is left of the line"),
    ],
)
def test_with_tax_a_grant_gets_its_part_and_what_no_money_covers(
    rest: str, left: str, received: str, grants: str
) -> None:
    line = covered("118", "118", "40", place=AFTER)

    found = gross([line], rest, left=left, received=received)

    assert [d(one) for one in found.split()] == [d(one) for one in grants.split()]


def test_with_tax_lines_get_back_in_proportion_to_what_the_note_gives_of_each() -> None:
    lines = [
        covered("10", "10", "10", place=AFTER),
        covered("20", "20", "20", position=1, place=AFTER),
    ]

    assert gross(lines, "15", left="20", received="99", given="10 20") == "2.50 10.00"


def test_grants_that_paid_before_tax_get_nothing_with_it() -> None:
    assert gross([covered("10", "10", "10")], "10", left="10", received="0") == ""


@supporting
@given(
    paid=st.lists(cents, max_size=3),
    money=cents,
    part=st.integers(0, 100),
    received=cents,
)
def test_with_tax_no_grant_gets_more_than_it_paid_and_all_of_them_what_money_leaves(
    paid: list[Decimal], money: Decimal, part: int, received: Decimal
) -> None:
    by_grants = sum(paid, ZERO)
    whole = by_grants + money
    rest = USD.round(whole * part / 100)
    line = covered(str(whole), str(whole), *(str(one) for one in paid), place=AFTER)

    found = return_gross(
        [line],
        rest,
        others=(),
        given={0: whole},
        left={0: whole},
        received=received,
        unit=USD,
    )

    back = sum((one.amount for one in found), ZERO)
    assert all(0 < one.amount <= paid[one.grant_id.int] for one in found)
    assert back <= rest
    assert back >= min(by_grants, rest - received)


def test_what_a_return_is_in_money() -> None:
    dollars = Returned(grant_id=GRANT, position=0, amount=d(5), place=AFTER)
    tokens = Returned(
        grant_id=GRANT, position=0, amount=d(5), cost=d("0.10"), place=AFTER, unit="TOKENS"
    )

    assert (dollars.money, tokens.money) == (5, d("0.10"))
