"""What an operator allows one organization, in place of what the installation allows everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from billing.quotas import Quota

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
