"""Exact decimals: how they are read, multiplied, rounded, shared out and written.

Arithmetic on amounts runs inside :func:`exactly`, where a result that would need more digits than
are kept raises instead of losing them. Only :func:`round_half_away` rounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    InvalidOperation,
    localcontext,
)
from functools import lru_cache, wraps
from typing import Final, ParamSpec, TypeVar

from billing.currencies import MINOR_UNIT_EXPONENTS
from billing.errors import InvalidInput, InvariantBroken
from billing.ratios import EXACT, PRECISION, Exact, Ratio, as_decimal

P = ParamSpec("P")
R = TypeVar("R")

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)

INTEGER_DIGITS: Final = 30
DECIMAL_PLACES: Final = 20
PRICE_PLACES: Final = 30

ROUNDED_QUOTIENT_PLACES: Final = 40
"""What the first engine kept of a share; the present one keeps all of it."""

_ROUNDING: Final = Context(prec=PRECISION, rounding=ROUND_HALF_UP, traps=[InvalidOperation])

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")


def exactly(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function so that its arithmetic is exact, whatever decimal context the caller has.

    Raises: ``decimal.Inexact`` rather than dropping a digit.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext(EXACT):
            return function(*args, **kwargs)

    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """A currency with the number of decimal places of its minor unit (ISO 4217: JPY 0, KWD 3)."""

    code: str
    exponent: int

    def __post_init__(self) -> None:
        if MINOR_UNIT_EXPONENTS.get(self.code) != self.exponent:
            raise _unknown_currency(self.code, "currency")

    def round(self, amount: Exact) -> Decimal:
        """Give ``amount`` in whole minor units, half away from zero.

        Source: CONTRACT 26. Worked example: 2.675 USD is 2.68, -0.5 JPY is -1.
        """
        return round_half_away(amount, self.exponent)

    @property
    def minor_unit(self) -> Decimal:
        """The smallest amount, 0.01 for USD."""
        return ONE.scaleb(-self.exponent)


def find_currency(code: object, *, field: str = "currency") -> Currency:
    """Give the currency of an ISO 4217 code, in any case of letters.

    Raises: InvalidInput ``unknown_currency``, also for codes without a minor unit such as XAU.
    """
    if not isinstance(code, str):
        raise _unknown_currency(code, field)
    upper = code.strip().upper()
    if upper not in MINOR_UNIT_EXPONENTS:
        raise _unknown_currency(code, field)
    return _currency(upper)


@lru_cache(maxsize=256)
def _currency(code: str) -> Currency:
    return Currency(code=code, exponent=MINOR_UNIT_EXPONENTS[code])


def _unknown_currency(code: object, field: str) -> InvalidInput:
    return InvalidInput(
        f"{code!r} is not an ISO 4217 currency with a minor unit.",
        code="unknown_currency",
        field=field,
    )


def parse_decimal(value: object, *, field: str) -> Decimal:
    """Read a number exactly as it was written, from a decimal, an integer or a string of digits.

    Units: none. Raises: as :func:`read_number`, and ``number_out_of_range`` for more than 30 digits
    before or 20 after the point. Source: CONTRACT 1, 32 and 44.
    """
    return _read_bounded(value, field, DECIMAL_PLACES)


def parse_price(value: object, *, field: str) -> Decimal:
    """Read a price, a rate, a fee or an amount of money, with up to 30 places after the point.

    Raises: as :func:`parse_decimal`. Source: CONTRACT 1.
    """
    return _read_bounded(value, field, PRICE_PLACES)


def _read_bounded(value: object, field: str, places: int) -> Decimal:
    number = read_number(value, field=field, places=places)
    if not number:
        return ZERO
    digits, exponent = _significant_span(number)
    if digits > INTEGER_DIGITS or exponent < -places:
        raise _out_of_range(field, places)
    return number


def read_number(value: object, *, field: str, places: int = PRICE_PLACES) -> Decimal:
    """Read any number that JSON may say, from a decimal, an integer or a string of digits.

    Raises: InvalidInput ``number_out_of_range`` for exponents beyond 10^±30, ``invalid_number`` for
    floats (their digits are lost), booleans, blanks, NaN and infinities. Source: CONTRACT 1.
    """
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):
        raise _invalid_number(field)
    if isinstance(value, str):
        # The length guard keeps a megabyte of digits from reaching the decimal parser.
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            raise _invalid_number(field)
        if len(text) > 200:
            raise _out_of_range(field, places)
        value = text
    elif isinstance(value, int) and abs(value) >= 10**INTEGER_DIGITS:
        raise _out_of_range(field, places)
    number = Decimal(value)
    if not number.is_finite():
        raise _invalid_number(field)
    if not -30 <= _exponent(number) <= 30:
        raise _out_of_range(field, places)
    return number


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _significant_span(number: Decimal) -> tuple[int, int]:
    """Give the count of digits before the point and the exponent of the last non-zero digit."""
    shortest = number.normalize(EXACT)
    return max(0, shortest.adjusted() + 1), _exponent(shortest)


def _invalid_number(field: str) -> InvalidInput:
    return InvalidInput(
        f"{field} must be a finite decimal number.", code="invalid_number", field=field
    )


def _out_of_range(field: str, places: int) -> InvalidInput:
    return InvalidInput(
        f"{field} takes at most {INTEGER_DIGITS} digits before the point"
        f" and at most {places} decimal places.",
        code="number_out_of_range",
        field=field,
    )


def require_exact(**values: Exact | None) -> None:
    """Refuse anything but finite decimals and ratios, so that no value object can hold a float.

    Raises: InvalidInput ``invalid_number`` naming the field.
    """
    for field, value in values.items():
        if type(value) is Ratio or value is None:
            continue
        if type(value) is not Decimal or not value.is_finite():
            raise _invalid_number(field)


def require_decimals(**values: Decimal | None) -> None:
    """Refuse anything but finite decimals, so that no value object can hold a float.

    Raises: InvalidInput ``invalid_number`` naming the field.
    """
    for field, value in values.items():
        if value is not None and (type(value) is not Decimal or not value.is_finite()):
            raise _invalid_number(field)


def require_not_negative(**values: Decimal | None) -> None:
    """Refuse floats and numbers below zero.

    Raises: InvalidInput ``invalid_number`` or ``negative_number`` naming the field.
    """
    require_decimals(**values)
    for field, value in values.items():
        if value is not None and value < ZERO:
            raise InvalidInput(
                f"{field} must not be negative.", code="negative_number", field=field
            )


def round_half_away(amount: Exact, places: int, *, divisor: Decimal = ONE) -> Decimal:
    """Give ``amount / divisor`` to ``places`` decimal places, half away from zero.

    The quotient is decided on exact numbers, so no digit is rounded twice. Whatever loses digits
    loses them here, but for fractions that are only shown (:func:`billing.ratios.as_decimal`).
    Source: CONTRACT 26. Worked example: 30 × 17 over 31 to 2 places is 16.45; 1 over -8 to 2
    places is -0.13.
    """
    if isinstance(amount, Ratio):
        with localcontext(EXACT):
            divisor = divisor * amount.denominator
        return round_half_away(Decimal(amount.numerator), places, divisor=divisor)
    if divisor == ONE:
        # plus() turns -0.00 into 0.00.
        return _ROUNDING.plus(amount.quantize(ONE.scaleb(-places), context=_ROUNDING))
    with localcontext(EXACT):
        scaled = amount.scaleb(places)
        whole, rest = divmod(scaled, divisor)
        if 2 * abs(rest) >= abs(divisor):
            whole += 1 if (amount < ZERO) == (divisor < ZERO) else -1
        return whole.scaleb(-places) + ZERO


def allocate(total: Decimal, weights: Sequence[Decimal], currency: Currency) -> tuple[Decimal, ...]:
    """As :func:`allocate_to`, in whole minor units of a currency."""
    return allocate_to(total, weights, currency.exponent)


@exactly
def allocate_to(total: Decimal, weights: Sequence[Decimal], places: int) -> tuple[Decimal, ...]:
    """Share ``total`` out in proportion to ``weights`` so that the parts add up to it exactly.

    Each part is the exact share rounded down to ``places``; what is left goes, one unit of the last
    place each, to the largest remainders, and among equal ones to the earlier. Raises: InvalidInput
    if a weight is negative or all are zero; InvariantBroken if ``total`` has more places.
    Source: largest-remainder method. Worked example: 10.00 over 1, 1, 1 is 3.34, 3.33, 3.33.
    """
    if total != round_half_away(total, places):
        raise InvariantBroken(f"{total} has more than {places} decimal places.")
    if any(weight < ZERO for weight in weights) or not any(weights):
        raise InvalidInput("Weights must not be negative, and not all zero.", field="weights")
    finest = abs(total.scaleb(places))
    whole = sum(weights, ZERO)
    floors, remainders = zip(*(divmod(finest * weight, whole) for weight in weights), strict=True)
    left = int(finest - sum(floors, ZERO))
    order = sorted(range(len(weights)), key=lambda place: (-remainders[place], place))
    favored = frozenset(order[:left])
    sign = -1 if total < ZERO else 1
    return tuple(
        (sign * (floor + (place in favored))).scaleb(-places) for place, floor in enumerate(floors)
    )


def plain_text(number: Exact) -> str:
    """Write a number in plain notation without superfluous zeros; equal numbers read equal.

    Of digits that never end the first 40 are written. Worked example: 1.500 is ``1.5``, 1E+3 is
    ``1000``, -0.0 is ``0``.
    """
    text = format(as_decimal(number), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def shortest(number: Exact) -> Decimal:
    """Give the same number without superfluous zeros after the point, or its first 40 digits."""
    return Decimal(plain_text(number))
