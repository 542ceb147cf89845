"""How many things of a kind an organization may have, so that it cannot take the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from billing.errors import Conflict


class Quota(StrEnum):
    """A kind of thing that is counted: those that are there, without the deleted ones."""

    FEATURES = "features"
    METERS = "meters"
    PLANS = "plans"
    TAX_RATES = "tax_rates"
    API_KEYS = "api_keys"
    INVITATIONS = "invitations"
    TEST_CLOCKS = "test_clocks"


DEFAULTS: Final[Mapping[Quota, int]] = MappingProxyType(
    {
        Quota.FEATURES: 10_000,
        Quota.METERS: 10_000,
        Quota.PLANS: 10_000,
        Quota.TAX_RATES: 10_000,
        Quota.API_KEYS: 1_000,
        Quota.INVITATIONS: 1_000,
        Quota.TEST_CLOCKS: 1_000,
    }
)
"""Far beyond what people have; a loop that makes things is stopped by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """The quotas of an installation."""

    most: Mapping[Quota, int] = field(default_factory=lambda: DEFAULTS)

    @classmethod
    def read(cls, text: str) -> Self:
        """Those that a text such as ``meters=200, plans=50`` sets; the others are the defaults.

        Raises ValueError.
        """
        pairs = [one.partition("=") for one in text.split(",") if one.strip()]
        stated = {Quota(name.strip()): int(number) for name, _, number in pairs}
        if any(number < 0 for number in stated.values()):
            raise ValueError("A quota is not negative.")
        return cls(most={**DEFAULTS, **stated})

    def require_room(self, quota: Quota, present: int) -> None:
        """Return if one more fits. Raises Conflict ``quota_reached``, which names the quota."""
        if present < self.most[quota]:
            return
        things = quota.replace("_", " ").replace("api", "API")
        raise Conflict(
            f"An organization has at most {self.most[quota]} {things} here; there is no room.",
            code="quota_reached",
            quota=quota.value,
        )
