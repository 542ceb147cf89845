"""What of a grant's cost each draw says: to the cent, in whatever order it goes and comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.cuts import Segment
from billing.credits.drawing import Draw, Lot, share_costs
from billing.credits.expiry import cost_of_rest
from billing.credits.grants import GrantKind, Place
from billing.money import ZERO
from tests.billing.credits.lots import DOLLARS, START
from tests.billing.credits.own_units.tokens_at_use import HALF, bill, free, priced, sold
from tests.billing.invoicing.lines import line, rate
from tests.billing.profiles import supporting


def draws_of(lot: Lot, *amounts: str) -> list[Draw]:
    return [
        Draw(
            grant_id=lot.grant.grant_id,
            position=at,
            amount=Decimal(amount),
            place=Place.AFTER_TAX,
            unit="TOKENS",
        )
        for at, amount in enumerate(amounts)
    ]


def test_the_last_part_takes_the_remainder() -> None:
    lot = sold("3", "10")

    found = share_costs(draws_of(lot, "1", "1", "1"), [lot])

    assert [one.money for one in found] == [Decimal("3.33"), Decimal("3.34"), Decimal("3.33")]


def test_what_is_held_has_its_cost_still() -> None:
    lot = sold("3", "10")
    assert lot.cost is not None
    held = replace(lot, rest=Decimal(2), cost=replace(lot.cost, held=Decimal(1)))

    found = share_costs(draws_of(held, "2"), [held])

    assert found[0].money == Decimal("6.67")


@pytest.mark.parametrize(("left", "share"), [("9.99", "3.32"), ("6.66", "0"), ("10.01", "3.34")])
def test_what_returns_left_over_or_short_is_in_the_next_share(left: str, share: str) -> None:
    lot = sold("3", "10")
    assert lot.cost is not None
    moved = replace(lot, cost=replace(lot.cost, left=Decimal(left)))

    [found] = share_costs(draws_of(moved, "1"), [moved])

    assert found.money == Decimal(share)


@dataclass
class Sold:
    """A grant in a life of draws and returns, by whole tenths, cents and fractions alone."""

    size: int
    cost: int
    rest: int
    said: int = 0


@supporting
@given(
    size=st.integers(1, 400),
    cost=st.integers(1, 5_000),
    moves=st.lists(st.tuples(st.integers(1, 200), st.booleans()), max_size=12),
)
def test_shares_of_a_grants_life_come_to_its_cost(
    size: int, cost: int, moves: list[tuple[int, bool]]
) -> None:
    """Whatever is drawn and given back in whatever order, in the end all of it is said."""
    one = Sold(size=size, cost=cost, rest=size)
    lot = sold(str(Decimal(size) / 10), str(Decimal(cost) / 100))
    assert lot.cost is not None
    open_draws: list[tuple[int, int]] = []
    for wish, goes_back in [*moves, (size, False)]:
        if goes_back and open_draws:
            drawn, share = open_draws.pop(wish % len(open_draws))
            one.rest, one.said = one.rest + drawn, one.said - share
            continue
        amount = min(wish, one.rest)
        if amount == 0:
            continue
        left = Decimal(one.cost - one.said) / 100
        now = replace(lot, rest=Decimal(one.rest) / 10, cost=replace(lot.cost, left=left))
        [found] = share_costs(draws_of(now, str(Decimal(amount) / 10)), [now])
        one.rest -= amount
        used = Fraction(one.cost * (one.size - one.rest), one.size)
        wanted = max(0, int((2 * used + 1) // 2) - one.said)
        assert Fraction(found.money) * 100 == wanted
        one.said += wanted
        open_draws.append((amount, wanted))

    assert one.rest == 0
    assert one.said == one.cost
    assert sum(share for _, share in open_draws) == one.cost


LINES = st.lists(
    st.tuples(
        st.lists(st.integers(0, 40), min_size=1, max_size=3),
        st.sampled_from(["0.02", "0.005", "0.333", None]),
    ),
    min_size=1,
    max_size=3,
)
LOTS = st.lists(
    st.tuples(
        st.integers(1, 90),
        st.none() | st.integers(1, 999),
        st.integers(0, 2),
        st.none() | st.integers(1, 3),
        st.sampled_from([10, 50]),
    ),
    max_size=4,
)


@supporting
@given(LINES, LOTS, st.sampled_from(["0", "19", "20"]))
def test_bills_say_and_tax_what_one_token_after_another_had_cost(
    said: list[tuple[list[int], str | None]],
    having: list[tuple[int, int | None, int, int | None, int]],
    percentage: str,
) -> None:
    lines = [priced(str(Decimal(sum(days)) / 10), overage) for days, overage in said]
    segments = {
        at: tuple(
            Segment(used_at=START + timedelta(days=day), amount=Decimal(amount) / 10)
            for day, amount in enumerate(days)
            if amount
        )
        for at, (days, _) in enumerate(said)
    }
    lots = []
    for place, (amount, cost, day, lasts, priority) in enumerate(having):
        terms: dict[str, Any] = {
            "grant_id": UUID(int=200 + place),
            "sequence": place,
            "effective_at": START + timedelta(days=day),
            "expires_at": None if lasts is None else START + timedelta(days=day + lasts),
            "priority": priority,
        }
        tokens = str(Decimal(amount) / 10)
        lots.append(
            free(tokens, **terms)
            if cost is None
            else sold(tokens, str(Decimal(cost) / 100), **terms)
        )

    found = bill(lines, *lots, taxes=[rate(percentage)], segments=segments)

    dues, costs = one_after_another(said, having)
    tax = half_up(Fraction(percentage) * (sum(dues) + sum(costs)) / 100)
    assert [Fraction(one.line_total) * 100 for one in found.lines] == [
        due + cost for due, cost in zip(dues, costs, strict=True)
    ]
    assert Fraction(found.tax) * 100 == tax
    assert Fraction(found.credits_after_tax) * 100 == sum(costs)
    assert Fraction(found.amount_due) * 100 == sum(dues) + tax
    assert sum((one.money for one in found.draws), ZERO) == found.credits_total


def one_after_another(
    said: list[tuple[list[int], str | None]],
    having: list[tuple[int, int | None, int, int | None, int]],
) -> tuple[list[int], list[int]]:
    """What is due of each line and what its tokens had cost, in cents, tenth by tenth."""
    rests = [amount for amount, *_ in having]
    told = [0 for _ in having]
    dues, costs = [], []
    for days, overage in said:
        unpaid = 0
        for day, amount in enumerate(days):
            for _ in range(amount):
                payers = []
                for at, (_, cost, begins, lasts, priority) in enumerate(having):
                    ends = 99 if lasts is None else begins + lasts
                    if rests[at] and begins <= day < ends:
                        payers.append((cost is not None, priority, ends, begins, at))
                if payers:
                    rests[min(payers)[-1]] -= 1
                else:
                    unpaid += 1
        dues.append(half_up(Fraction(unpaid, 10) * Fraction(overage or "0") * 100))
        now = [
            half_up(Fraction((cost or 0) * (amount - rests[at]), amount))
            for at, (amount, cost, *_) in enumerate(having)
        ]
        costs.append(sum(now) - sum(told))
        told = now
    return dues, costs


def half_up(number: Fraction) -> int:
    return int((2 * number + 1) // 2)


@supporting
@given(
    lines=st.lists(
        st.tuples(st.integers(-900, 900), st.booleans(), st.booleans()), min_size=1, max_size=4
    ),
    tokens=st.lists(st.tuples(st.integers(1, 900), st.none() | st.integers(1, 999)), max_size=3),
    dollars=st.lists(st.tuples(st.integers(1, 3_000), st.sampled_from(GrantKind)), max_size=3),
    taxes=st.sampled_from([None, True, False]),
    has_coupon=st.booleans(),
)
def test_no_bill_is_due_less_than_nothing(
    lines: list[tuple[int, bool, bool]],
    tokens: list[tuple[int, int | None]],
    dollars: list[tuple[int, GrantKind]],
    taxes: bool | None,
    has_coupon: bool,
) -> None:
    """Whatever takes from whatever: lines below zero, coupons, tokens, dollars of both kinds."""
    made = []
    for amount, is_own, is_taxable in lines:
        one = str(Decimal(amount) / 100)
        made.append(replace(priced(one) if is_own else line(one), is_taxable=is_taxable))
    lots = [
        free(str(Decimal(amount) / 10))
        if cost is None
        else sold(str(Decimal(amount) / 10), str(Decimal(cost) / 100))
        for amount, cost in tokens
    ]
    lots += [free(str(Decimal(amount) / 100), DOLLARS, kind=kind) for amount, kind in dollars]
    rates = [] if taxes is None else [rate("20", inclusive=taxes)]

    found = bill(made, *lots, taxes=rates, coupons=HALF if has_coupon else None)

    assert found.amount_due >= 0
    assert found.credits_after_tax == sum(
        (one.money for one in found.draws if one.place is Place.AFTER_TAX), ZERO
    )
    for lot in lots:
        drawn = [one for one in found.draws if one.grant_id == lot.grant.grant_id]
        assert sum((one.amount for one in drawn), ZERO) <= lot.rest
        if lot.cost is not None:
            gone = sum((one.amount for one in drawn), ZERO)
            left = cost_of_rest(
                lot.cost.amount, lot.rest - gone, granted=lot.grant.amount, places=2
            )
            assert sum((one.money for one in drawn), ZERO) == lot.cost.amount - left
