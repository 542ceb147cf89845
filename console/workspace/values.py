"""How values stand on screens: money in its currency, instants in the organization's zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from babel.dates import format_datetime
from markupsafe import Markup

from billing.invoicing.kinds import DocumentLanguage
from billing.money import plain_text
from billing.periods import find_zone
from services.documents.formats import Formats


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What the organization of a member writes values by."""

    timezone: str
    language: DocumentLanguage = DocumentLanguage.ENGLISH

    @classmethod
    def of(cls, organization: Mapping[str, Any]) -> Values:
        """As the organization's settings say."""
        return cls(timezone=organization["timezone"])

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
        if text is None:
            return Markup("–")
        at = datetime.fromisoformat(text)
        local = format_datetime(
            at.astimezone(find_zone(self.timezone)), "d MMM y, HH:mm", locale=self.language
        )
        in_utc = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        return Markup('<time datetime="{}" title="{}">{}</time>').format(text, in_utc, local)

    def clock(self, text: str) -> Markup:
        """The time of day of an instant to the second, with UTC for who asks."""
        at = datetime.fromisoformat(text)
        local = at.astimezone(find_zone(self.timezone))
        return Markup(
            '<time datetime="{}" title="{:%Y-%m-%d %H:%M:%S} UTC">{:%H:%M:%S}</time>'
        ).format(text, at.astimezone(UTC), local)

    def day(self, text: str | None) -> Markup:
        """The local day of an instant, with UTC for who asks."""
        if text is None:
            return Markup("–")
        at = datetime.fromisoformat(text)
        local = format_datetime(
            at.astimezone(find_zone(self.timezone)), "d MMM y", locale=self.language
        )
        return Markup('<time datetime="{}" title="{:%Y-%m-%d %H:%M:%S} UTC">{}</time>').format(
            text, at.astimezone(UTC), local
        )

    def words(self, name: str) -> str:
        """What a machine's name says to people: ``invoice_finalized`` is ``Invoice finalized``."""
        return name.replace("_", " ").replace(".", " ").capitalize() if name else "–"

    def _formats(self, currency: str) -> Formats:
        return Formats(language=self.language, currency=currency, timezone=self.timezone)
