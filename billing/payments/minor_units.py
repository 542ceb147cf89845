"""What providers write for an amount: whole minor units, with the exceptions that each has to ISO.

Source: ISO 4217 by ``billing.currencies``; Stripe's page on currencies (zero-decimal currencies,
special cases, three-decimal currencies); Razorpay's notes on ``amount``. Read in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from billing.errors import InvalidInput
from billing.money import ZERO, exactly, find_currency, plain_text, require_decimals
from billing.payments.gateways import Provider

MOST_MINOR: Final = 10**18
"""More than any provider takes, and less than any integer of a database holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorUnits:
    """How a provider writes a currency: in units of 10^-exponent, in multiples of ``step``."""

    exponent: int
    step: int = 1


_WHOLE_AS_HUNDREDTHS: Final = MinorUnits(exponent=2, step=100)
_THREE_PLACES: Final = MinorUnits(exponent=3, step=10)

_EXCEPTIONS: Final[Mapping[Provider, Mapping[str, MinorUnits]]] = MappingProxyType(
    {
        Provider.SANDBOX: {},
        Provider.STRIPE: {
            # ISO has two places, Stripe none.
            "MGA": MinorUnits(exponent=0),
            # ISO has no places; Stripe's two are of older days, and always 00. Forints and Taiwan
            # dollars are whole in payouts only: they are charged like any other currency.
            "ISK": _WHOLE_AS_HUNDREDTHS,
            "UGX": _WHOLE_AS_HUNDREDTHS,
        },
        Provider.RAZORPAY: {},
    }
)

_LAST_PLACE_IS_ZERO: Final = frozenset({Provider.STRIPE, Provider.RAZORPAY})
"""Who takes three places, and wants the third to be 0: 5.120 KWD is 5120, 5.125 is refused."""


def minor_units_of(provider: Provider, currency: str) -> MinorUnits:
    """How the provider writes a currency, in any case of letters.

    Raises: InvalidInput ``unknown_currency``, and ``unchargeable_currency`` for units of account
    with four places (CLF, UYW), which no card is charged in.
    """
    known = find_currency(currency)
    if (exception := _EXCEPTIONS[provider].get(known.code)) is not None:
        return exception
    if provider in _LAST_PLACE_IS_ZERO:
        if known.exponent > 3:
            raise InvalidInput(
                f"{known.code} cannot be charged at {provider}.",
                code="unchargeable_currency",
                field="currency",
            )
        if known.exponent == 3:
            return _THREE_PLACES
    return MinorUnits(exponent=known.exponent)


@exactly
def to_minor(provider: Provider, amount: Decimal, currency: str) -> int:
    """What the provider is asked for an amount: never rounded.

    Units: minor units of the provider. Raises: InvalidInput ``unchargeable_amount`` for what is not
    above zero or has more places than the provider takes. Worked example: 5 ISK is 500 at Stripe,
    5 JPY is 5.
    """
    require_decimals(amount=amount)
    units = minor_units_of(provider, currency)
    if amount <= ZERO:
        raise _unchargeable(provider, amount, currency, "it is not above zero")
    minor = amount.scaleb(units.exponent)
    if minor > MOST_MINOR:
        raise _unchargeable(provider, amount, currency, "it is too large")
    if minor % units.step != ZERO:
        smallest = plain_text(Decimal(units.step).scaleb(-units.exponent))
        raise _unchargeable(provider, amount, currency, f"it is no multiple of {smallest}")
    return int(minor)


@exactly
def from_minor(provider: Provider, minor: int, currency: str) -> Decimal:
    """The exact amount that a provider writes so, in the places of ISO if they hold it.

    Raises: InvalidInput ``invalid_number`` for anything but a whole number of zero or more.
    """
    if type(minor) is not int or not 0 <= minor <= MOST_MINOR:
        raise InvalidInput(
            "An amount in minor units is a whole number of zero or more.",
            code="invalid_number",
            field="amount",
        )
    known = find_currency(currency)
    amount = Decimal(minor).scaleb(-minor_units_of(provider, currency).exponent)
    whole = known.round(amount)
    return whole if whole == amount else amount


def _unchargeable(provider: Provider, amount: Decimal, currency: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"{plain_text(amount)} {currency.upper()} cannot be charged at {provider}: {why}.",
        code="unchargeable_amount",
        field="amount",
    )
