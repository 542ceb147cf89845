"""What terms of commitments lack, or are beyond, once documents say what there is to say.

*Source: CREDITS 22.*
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from tests.billing.naive import round_half_away
from tests.money.model.agreements import Commitment
from tests.money.model.lives import Period, State
from tests.money.model.rating import World, share
from tests.money.model.years import Span

NOTHING = Fraction(0)


def true_ups(
    world: World,
    periods: Sequence[Period],
    said: Sequence[Mapping[str, Fraction]],
    *,
    is_over: bool,
) -> Fraction:
    """What the terms that are over lack, or are beyond by the factor, where a bill settled them.

    ``said`` is what documents bill of each charge of each period, what people gave back included.
    """
    total = NOTHING
    for commitment, indexes in _terms(periods, is_over=is_over):
        last = periods[indexes[-1]]
        if last.state is not State.FINAL or last.written is not None:
            continue
        committed = sum((share(world, periods[one].part) for one in indexes), NOTHING)
        committed *= Fraction(commitment.amount) / commitment.periods
        spent = sum(
            (
                amount
                for one in indexes
                for charge, amount in said[one].items()
                if not commitment.charges or charge in commitment.charges
            ),
            NOTHING,
        )
        owed = committed - spent
        if owed < 0:
            owed = -owed * (Fraction(commitment.factor) - 1)
        total += round_half_away(owed, world.places)
    return total


def _terms(periods: Sequence[Period], *, is_over: bool) -> Iterator[tuple[Commitment, list[int]]]:
    """The terms that are over, with the periods of each."""
    running: list[int] = []
    regular: list[Span] = []
    for index, one in enumerate(periods):
        commitment = one.plan.commitment
        if running and commitment is not periods[running[-1]].plan.commitment:
            yield _of(periods, running), running
            running, regular = [], []
        if commitment is None:
            continue
        if len(set(regular)) == commitment.periods and one.part.regular != regular[-1]:
            yield commitment, running
            running, regular = [], []
        running.append(index)
        regular.append(one.part.regular)
        is_whole = one.span.ends_at == one.part.regular.ends_at
        if is_whole and len(set(regular)) == commitment.periods and one.state is not State.RUNNING:
            yield commitment, running
            running, regular = [], []
    if running and is_over:
        yield _of(periods, running), running


def _of(periods: Sequence[Period], running: Sequence[int]) -> Commitment:
    commitment = periods[running[-1]].plan.commitment
    assert commitment is not None
    return commitment
