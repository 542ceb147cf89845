"""How many things of a kind an organization may have, so that it cannot take the database.

An operator may allow one organization something else than the installation allows everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


MOST: Final = 2_000_000_000


class Rate(StrEnum):
    """What is counted by the minute; 0 is as much as they like."""

    REQUESTS_PER_CALLER = "requests_per_caller"
    REQUESTS = "requests"
    EVENTS = "events"


NAMES: Final = frozenset({*Rate, *Quota})
"""Every limit that an organization may have of its own."""

DEFAULT: Final = "default"


def read_limits(words: Sequence[str]) -> Mapping[str, int | None]:
    """What words such as ``requests=1000`` and ``plans=default`` say; None is the installation's.

    Raises ValueError, in a sentence that says which word is wrong and what it may be.
    """
    stated: dict[str, int | None] = {}
    for word in words:
        name, _, number = word.partition("=")
        if name not in NAMES:
            raise ValueError(f"{word}: a limit is one of {', '.join(sorted(NAMES))}.")
        if name in stated:
            raise ValueError(f"{word}: {name} stands there twice.")
        if number == DEFAULT:
            stated[name] = None
        elif number.isdecimal() and int(number) <= MOST:
            stated[name] = int(number)
        else:
            raise ValueError(f"{word}: say {name}=NUMBER, or {name}={DEFAULT}.")
    return stated
