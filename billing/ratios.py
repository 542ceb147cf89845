"""Ratios: quotients that no decimal can write out, kept exact until a line is rounded.

A mean of three events, a level's mean over a month and 10 of 31 days have no last digit. What has
one is a ``Decimal`` and stays one, so that plain sums cost what they always did; only what has none
is a :class:`Ratio`. The two mix in arithmetic and comparisons.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import (
    ROUND_HALF_UP,
    Clamped,
    Context,
    Decimal,
    DefaultContext,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
    setcontext,
)
from fractions import Fraction
from numbers import Rational
from typing import Final, TypeAlias, overload

SIGNIFICANT_DIGITS: Final = 40

PRECISION: Final = 400
EXACT: Final = Context(
    prec=PRECISION,
    rounding=ROUND_HALF_UP,
    traps=[InvalidOperation, DivisionByZero, Overflow, Clamped, Inexact],
)
"""Where a result that would lose a digit is an error, whatever context the caller has."""

_ZERO: Final = Decimal(0)
_SHOWING: Final = Context(prec=SIGNIFICANT_DIGITS, rounding=ROUND_HALF_UP, traps=[])


def keep_every_digit() -> None:
    """Arithmetic is exact or raises ``decimal.Inexact``, in this thread and all that begin later.

    Python's own context drops what goes beyond 28 digits, and a quantity alone may have fifty;
    minus and ``abs`` round as well. Whoever rounds on purpose does so in a context of their own.
    """
    DefaultContext.prec = EXACT.prec
    DefaultContext.rounding = EXACT.rounding
    DefaultContext.traps = EXACT.traps
    setcontext(EXACT.copy())


@dataclass(frozen=True, slots=True, order=False)
class Ratio:
    """A quotient of whole numbers in lowest terms whose decimal digits never end.

    Made by :func:`quotient` and by arithmetic, which give a ``Decimal`` where digits do end; so
    equal numbers have equal values.
    """

    numerator: int
    denominator: int

    def __add__(self, other: Exact) -> Exact:
        return _reduce(self._fraction + _to_fraction(other))

    __radd__ = __add__

    def __sub__(self, other: Exact) -> Exact:
        return _reduce(self._fraction - _to_fraction(other))

    def __rsub__(self, other: Decimal) -> Exact:
        return _reduce(_to_fraction(other) - self._fraction)

    def __mul__(self, other: Exact | int) -> Exact:
        return _reduce(self._fraction * _to_fraction(other))

    __rmul__ = __mul__

    def __neg__(self) -> Ratio:
        return Ratio(-self.numerator, self.denominator)

    def __divmod__(self, other: Decimal) -> tuple[Decimal, Exact]:
        whole, rest = divmod(self._fraction, _to_fraction(other))
        return Decimal(whole), _reduce(rest)

    def __lt__(self, other: Exact | int) -> bool:
        return self._fraction < _to_fraction(other)

    def __le__(self, other: Exact | int) -> bool:
        return self._fraction <= _to_fraction(other)

    def __gt__(self, other: Exact | int) -> bool:
        return self._fraction > _to_fraction(other)

    def __ge__(self, other: Exact | int) -> bool:
        return self._fraction >= _to_fraction(other)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def _fraction(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)


# Decimals compare themselves exactly with whatever is a rational number.
Rational.register(Ratio)

Exact: TypeAlias = Decimal | Ratio
"""An exact number, with or without a last digit."""


def quotient(total: Exact, divisor: Decimal | int) -> Exact:
    """Give ``total / divisor`` without losing anything.

    Worked example: 1 over 4 is ``Decimal("0.25")``, 1 over 3 is ``Ratio(1, 3)``.
    """
    return _reduce(_to_fraction(total) / _to_fraction(divisor))


def add_up(numbers: Iterable[Exact]) -> Exact:
    """Give the sum of exact numbers, 0 for none, with every digit whoever asks.

    Python's own context would keep 28 digits: a hundred million calls and a trace of one are more.
    """
    with localcontext(EXACT):
        return sum(numbers, _ZERO)


@overload
def as_decimal(number: Exact) -> Decimal: ...


@overload
def as_decimal(number: None) -> None: ...


def as_decimal(number: Exact | None) -> Decimal | None:
    """Give the number with all its digits, or the first 40 if they never end.

    Source: CONTRACT 92. Worked example: one third is 0.333… with 40 digits 3.
    """
    if number is None or isinstance(number, Decimal):
        return number
    return _SHOWING.divide(Decimal(number.numerator), Decimal(number.denominator))


def parse_ratio(text: str) -> Ratio:
    """Read what ``str`` wrote. Raises: ValueError for anything else."""
    numerator, divider, denominator = text.partition("/")
    if not divider:
        raise ValueError(text)
    ratio = Ratio(int(numerator), int(denominator))
    if ratio.denominator <= 0 or str(_reduce(_to_fraction(ratio))) != text:
        raise ValueError(text)
    return ratio


def _to_fraction(number: Exact | int) -> Fraction:
    if isinstance(number, Ratio):
        return Fraction(number.numerator, number.denominator)
    return Fraction(number)


def _reduce(value: Fraction) -> Exact:
    places = _count_places(value.denominator)
    if places is None:
        return Ratio(value.numerator, value.denominator)
    digits = value.numerator * 10**places // value.denominator
    return Decimal(digits).scaleb(-places, context=_WIDE) if places else Decimal(digits)


# Wider than any number that can come up: what is shortened here would be wrong in silence.
_WIDE: Final = Context(prec=2_000, traps=EXACT.traps)


def _count_places(denominator: int) -> int | None:
    """How many decimal places a fraction in lowest terms has, None if they never end."""
    counts = []
    for factor in (2, 5):
        count = 0
        while denominator % factor == 0:
            denominator //= factor
            count += 1
        counts.append(count)
    return max(counts) if denominator == 1 else None
