"""How values stand on screens: money in its currency, instants in the organization's zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from babel.dates import parse_pattern
from markupsafe import Markup

from billing.money import plain_text
from billing.periods import find_zone
from console.language import ENGLISH
from services.documents.formats import Formats, locale_called

_TIME: Final = Markup('<time datetime="%s" title="%s UTC"%s>%s</time>')
_LANGUAGE: Final = Markup(' lang="%s"')


@lru_cache(maxsize=64)
def _patterns(locale: str) -> tuple[str, str]:
    """How a locale writes a day, and a day with its time."""
    if locale == ENGLISH:
        return "d MMM y", "d MMM y, HH:mm"
    own = locale_called(locale)
    day = own.date_formats["medium"].pattern
    return day, f"{day}, {own.time_formats['short'].pattern}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What values are written by: the zone of the organization, the locale of who looks."""

    timezone: str
    locale: str = ENGLISH

    @classmethod
    def of(cls, organization: Mapping[str, Any], locale: str = ENGLISH) -> Values:
        """As the organization's settings say, and the browser of who looks."""
        return cls(timezone=organization["timezone"], locale=locale)

    def money(self, amount: object, currency: str) -> str:
        """An amount of money: ``$82.45``."""
        return self._formats(currency).money(Decimal(str(amount)))

    def number(self, number: object) -> str:
        """A quantity with all its digits: ``82,450``."""
        return "" if number is None else self._formats("USD").quantity(Decimal(str(number)))

    def exact(self, number: object) -> str:
        """A number as it is computed with."""
        return plain_text(Decimal(str(number)))

    def instant(self, text: str | None) -> Markup:
        """An instant in the organization's zone, with UTC for who asks."""
        return self._written(text, _patterns(self.locale)[1])

    def day(self, text: str | None) -> Markup:
        """The local day of an instant, with UTC for who asks."""
        return self._written(text, _patterns(self.locale)[0])

    def clock(self, text: str) -> Markup:
        """The time of day of an instant to the second, with UTC for who asks."""
        return self._written(text, "HH:mm:ss")

    def moment(self, text: str) -> Markup:
        """An instant to the second, with UTC for who asks."""
        day, _ = _patterns(self.locale)
        return self._written(text, f"{day}, HH:mm:ss")

    def _written(self, text: str | None, pattern: str) -> Markup:
        if text is None:
            return Markup("–")
        at = datetime.fromisoformat(text)
        local = at.astimezone(find_zone(self.timezone))
        language = "" if self.locale == ENGLISH else _LANGUAGE % self._tag
        written = parse_pattern(pattern).apply(local, locale_called(self.locale))
        return _TIME % (text, f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", language, written)

    @property
    def _tag(self) -> str:
        """The locale as pages name it."""
        return self.locale.replace("_", "-")

    def words(self, name: str) -> str:
        """What a machine's name says to people: ``invoice_finalized`` is ``Invoice finalized``."""
        return name.replace("_", " ").replace(".", " ").capitalize() if name else "–"

    def _formats(self, currency: str) -> Formats:
        return Formats(language=self.locale, currency=currency, timezone=self.timezone)
