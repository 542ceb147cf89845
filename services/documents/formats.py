"""Amounts, quantities and dates as a language writes them.

The number of minor digits is ISO 4217's; the locale's own opinion differs for 13 currencies.
"""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from billing.invoicing.kinds import DocumentLanguage
from billing.money import find_currency
from billing.periods import Period, local_date

_CODE: Final = re.compile(r"[A-Z]{3}(?=[0-9])")

_LOCALES: Final = {
    "CHF": "de_CH",
    "CNY": "zh_CN",
    "EUR": "en_IE",
    "GBP": "en_GB",
    "INR": "en_IN",
    "JPY": "ja_JP",
    "KRW": "ko_KR",
    "PLN": "pl_PL",
    "SEK": "sv_SE",
}
"""In English documents, the locale that writes a currency; the others are written as in the United
States."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """How one document writes numbers and days: in its language, currency and zone.

    A page writes them by the locale of who looks, in the place of a document's language.
    """

    language: DocumentLanguage | str
    currency: str
    timezone: str

    def money(self, amount: Decimal) -> str:
        """An amount in minor units: ``$82.45``, ``-$5.00``, ``82,45 €``."""
        return self.price(amount)

    def price(self, price: Decimal) -> str:
        """A price with all its digits, and at least the currency's: ``$0.001``, ``KWD 2.000``."""
        # The code of a currency without a sign of its own keeps off the number.
        return _CODE.sub(
            "\\g<0>\N{NO-BREAK SPACE}", price_text(price, self.currency, self.language)
        )

    def price_in(self, unit: str | None, price: Decimal) -> str:
        """A price in an own unit, ``0.5 TOKENS``; without one as :meth:`price`."""
        return self.price(price) if unit is None else f"{self.quantity(price)} {unit}"

    def quantity(self, number: Decimal) -> str:
        """A quantity with all its digits: ``82,450.5``."""
        return format_decimal(number, locale=self._locale, decimal_quantization=False)

    def percent(self, share: Decimal) -> str:
        """A share of one with all its digits: ``2.9%``."""
        return format_percent(share, locale=self._locale, decimal_quantization=False)

    def day(self, instant: datetime) -> str:
        """The local day of an instant: ``March 31, 2026``."""
        return format_date(local_date(instant, self.timezone), "long", locale=self._locale)

    def span(self, span: Period) -> str:
        """The first and the last covered day: ``Jan 1, 2025 – Jan 31, 2025``."""
        days = (span.first_day(self.timezone), span.last_covered_day(self.timezone))
        return " – ".join(self._short(day) for day in dict.fromkeys(days))

    def country(self, code: str) -> str:
        """A country's name."""
        return str(self._locale.territories.get(code, code))

    def _short(self, day: date) -> str:
        return format_date(day, "medium", locale=self._locale)

    @property
    def _locale(self) -> Locale:
        return locale_called(self.language)


@lru_cache(maxsize=64)
def locale_called(name: str) -> Locale:
    """The locale of a name, which is read once: a page writes hundreds of values by it."""
    return Locale.parse(name)


def price_text(price: Decimal, currency: str, language: str = "en") -> str:
    """A price with all its digits, and at least the currency's: ``$0.001``, ``$2.00``."""
    exponent = find_currency(currency).exponent
    name = _LOCALES.get(currency, "en_US") if language == "en" else language
    locale = locale_called(name)
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (exponent, max(exponent, _places(price)))
    return str(pattern.apply(price, locale, currency=currency, currency_digits=False))


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
