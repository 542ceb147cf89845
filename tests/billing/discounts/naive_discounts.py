"""A second model of coupons: fractions of one minor unit at a time, and no shared arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass
class NaiveCoupon:
    """Units: ``percent`` 10 is 10 %, ``cents`` in minor units; the lines that it is for."""

    name: str
    rank: int
    attached: int
    percent: Fraction | None
    cents: int | None
    places: set[int]


def take_off(lines: Sequence[int], coupons: Sequence[NaiveCoupon]) -> dict[str, list[int]]:
    """What each coupon takes off each line, in minor units, of lines in minor units."""
    left = list(lines)
    taken: dict[str, list[int]] = {}
    for coupon in sorted(coupons, key=lambda one: (one.rank, one.attached)):
        base = sum(left[at] for at in coupon.places)
        if base <= 0:
            continue
        if coupon.percent is not None:
            exact = Fraction(base) * coupon.percent / 100
            cents = int(exact + Fraction(1, 2))
        else:
            assert coupon.cents is not None
            cents = min(coupon.cents, base)
        if cents:
            taken[coupon.name] = spread(cents, left, coupon.places)
            left = [one - off for one, off in zip(left, taken[coupon.name], strict=True)]
    return taken


def spread(cents: int, left: Sequence[int], places: set[int]) -> list[int]:
    """Hand whole cents out, then the last ones to whom the most of a cent is missing."""
    weights = [max(one, 0) if at in places else 0 for at, one in enumerate(left)]
    exact = [Fraction(cents * weight, sum(weights)) for weight in weights]
    given = [one.numerator // one.denominator for one in exact]
    while sum(given) < cents:
        missing = [one - have for one, have in zip(exact, given, strict=True)]
        given[missing.index(max(missing))] += 1
    return given
