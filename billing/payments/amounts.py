"""Which amounts of money can be paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from billing.errors import InvalidInput
from billing.money import ZERO, Currency

MOST_DIGITS: Final = 15
"""So many digits of minor units every reader of numbers keeps, those that count in doubles too."""


def require_amount(amount: Decimal, currency: Currency) -> None:
    """Return if that much money can be paid: above 0, in whole minor units, of 15 digits at most.

    Raises: InvalidInput ``amount_invalid``, ``amount_too_large``. Worked example: the most are
    9999999999999.99 USD and 999999999999999 JPY.
    """
    if amount <= ZERO or currency.round(amount) != amount:
        raise InvalidInput(
            f"An amount of {currency.code} is above 0 and has at most {currency.exponent} decimal"
            " places.",
            code="amount_invalid",
            field="amount",
        )
    most = currency.minor_unit * (10**MOST_DIGITS - 1)
    if amount > most:
        raise InvalidInput(
            f"An amount of {currency.code} is {most} at most.",
            code="amount_too_large",
            field="amount",
        )
