"""Where an invoice is shown: under a link of its own, or within the portal."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from services.portal.invoices import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The address of an invoice's page; ``token`` is repeated in the portal's addresses."""

    shown: Shown
    path: str
    token: str | None = None

    @property
    def back(self) -> str | None:
        """The page that leads here, in the portal."""
        return None if self.token is None else f"/embed?{urlencode({'token': self.token})}"

    def to(self, *parts: str, **query: str) -> str:
        """The address of the page, or of one below it."""
        named = ({} if self.token is None else {"token": self.token}) | query
        address = "/".join((self.path, *parts))
        return f"{address}?{urlencode(named)}" if named else address
