"""What moves credit: where it comes from and goes to, what is left, and by which key it is once."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits import ledger
from billing.credits.grants import GrantKind
from billing.credits.ledger import CreditPostingKind, CreditSide, other_side, rest_after
from billing.errors import InvariantBroken
from tests.billing.credits.lots import grant
from tests.billing.profiles import thorough

ONE, OTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("kind", "side"),
    [
        (CreditPostingKind.DRAWN, CreditSide.USED),
        (CreditPostingKind.RETURNED, CreditSide.USED),
        (CreditPostingKind.EXPIRED, CreditSide.EXPIRED),
        (CreditPostingKind.ROLLED, CreditSide.ROLLED),
        (CreditPostingKind.REFUNDED, CreditSide.REFUNDED),
        (CreditPostingKind.HELD, CreditSide.HELD),
        (CreditPostingKind.RELEASED, CreditSide.HELD),
    ],
)
@pytest.mark.parametrize("sold", GrantKind)
@pytest.mark.parametrize("was_rolled", [False, True])
def test_credit_goes_where_its_kind_says_whoever_paid_for_it(
    kind: CreditPostingKind, side: CreditSide, sold: GrantKind, *, was_rolled: bool
) -> None:
    assert other_side(kind, grant(kind=sold), was_rolled=was_rolled) is side


@pytest.mark.parametrize(
    ("kind", "was_rolled", "side"),
    [
        (GrantKind.PAID, False, CreditSide.SOLD),
        (GrantKind.FREE, False, CreditSide.GIVEN),
        (GrantKind.PAID, True, CreditSide.ROLLED),
        (GrantKind.FREE, True, CreditSide.ROLLED),
    ],
)
def test_a_grant_comes_from_its_sale_from_us_or_from_the_grant_before_it(
    kind: GrantKind, side: CreditSide, *, was_rolled: bool
) -> None:
    granted = CreditPostingKind.GRANTED

    assert other_side(granted, grant(kind=kind), was_rolled=was_rolled) is side


def test_what_returns_came_from_where_it_was_drawn_to() -> None:
    one = grant()

    for out, back in (
        (CreditPostingKind.DRAWN, CreditPostingKind.RETURNED),
        (CreditPostingKind.HELD, CreditPostingKind.RELEASED),
    ):
        assert other_side(out, one) is other_side(back, one)


def test_only_holds_leave_credit_with_its_customer() -> None:
    assert {"held", "released"} == ledger.OF_HOLDS


@pytest.mark.parametrize(
    ("rest", "amount", "after"),
    [("100", "-100", "0"), ("0", "100", "100"), ("40", "-0.01", "39.99"), ("5", "0", "5")],
)
def test_a_rest_moves_by_what_is_posted(rest: str, amount: str, after: str) -> None:
    assert rest_after(Decimal(rest), Decimal(amount), granted=Decimal(100)) == Decimal(after)


@pytest.mark.parametrize(
    ("rest", "amount", "said"), [("0", "-0.01", "-0.01"), ("100", "0.01", "100.01")]
)
def test_less_than_nothing_and_more_than_was_granted_are_never_left(
    rest: str, amount: str, said: str
) -> None:
    with pytest.raises(InvariantBroken, match=rf"A grant of 100 cannot have {said} left"):
        rest_after(Decimal(rest), Decimal(amount), granted=Decimal(100))


@thorough
@given(
    granted=st.integers(1, 10**40),
    steps=st.lists(st.integers(-(10**40), 10**40), max_size=8),
)
def test_whatever_is_posted_the_rest_stays_within_its_grant_to_the_last_digit(
    granted: int, steps: list[int]
) -> None:
    rest, counted = Decimal(granted), granted

    for step in steps:
        if not 0 <= counted + step <= granted:
            with pytest.raises(InvariantBroken):
                rest_after(rest, Decimal(step), granted=Decimal(granted))
            continue
        rest, counted = rest_after(rest, Decimal(step), granted=Decimal(granted)), counted + step

    assert rest == Decimal(counted)


def keys(first: UUID, second: UUID) -> list[str]:
    """The key of everything that can happen to a grant, by a document, a hold and alone."""
    alone = (ledger.key_of_grant, ledger.key_of_end, ledger.key_of_roll)
    together = (
        ledger.key_of_return,
        ledger.key_of_late_end,
        ledger.key_of_late_roll,
        ledger.key_of_hold,
        ledger.key_of_release,
        ledger.key_of_settling,
    )
    draws = [ledger.key_of_draw(first, place, second) for place in (0, 1)]
    return [*(key(first) for key in alone), *(key(first, second) for key in together), *draws]


def test_a_movement_has_one_key_and_no_two_movements_share_any() -> None:
    pairs = [(ONE, OTHER), (OTHER, ONE), (ONE, ONE), (OTHER, OTHER)]
    by_pair = [keys(*pair) for pair in pairs]

    assert keys(ONE, OTHER) == by_pair[0], "the key is made of what moves and of nothing else"
    for found in by_pair:
        assert len(set(found)) == len(found)
    for one, other in combinations(by_pair, 2):
        # What happens to a grant alone is named by it alone.
        shared = set(one) & set(other)
        assert all(key.count("/") == 1 for key in shared)


def test_keys_are_written_as_the_table_has_them() -> None:
    assert ledger.key_of_draw(ONE, 3, OTHER) == f"draw/{ONE}/3/{OTHER}"
    assert ledger.key_of_end(ONE) == f"expire/{ONE}"
    assert ledger.key_of_late_end(ONE, OTHER) == f"expire/{ONE}/{OTHER}"
    assert ledger.key_of_roll(ONE) == f"roll/{ONE}"
    assert ledger.key_of_late_roll(ONE, OTHER) == f"roll/{ONE}/{OTHER}"
    assert ledger.key_of_grant(ONE) == f"grant/{ONE}"
    assert ledger.key_of_return(ONE, OTHER) == f"return/{ONE}/{OTHER}"
    assert ledger.key_of_hold(ONE, OTHER) == f"hold/{ONE}/{OTHER}"
    assert ledger.key_of_release(ONE, OTHER) == f"release/{ONE}/{OTHER}"
    assert ledger.key_of_settling(ONE, OTHER) == f"settle/{ONE}/{OTHER}"
