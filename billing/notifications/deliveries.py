"""How much may be taken to deliver, and what a try came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.notifications.schedule import next_try_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much may be taken: ``total`` at most, and of each receiver ``of_each``.

    Of those that are busy it is what ``of_busy`` says.
    """

    total: int
    of_each: int
    of_busy: Mapping[UUID, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a receiver answered, or why there is no answer.

    After one that ``is_final`` no further try would change anything. ``beginning`` is what its
    text begins with, None where nobody read it.
    """

    response_code: int | None = None
    error: str | None = None
    beginning: str | None = None
    is_final: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the receiver has it: any answer of 200 to 299, and no other."""
        return self.response_code is not None and 200 <= self.response_code < 300

    def next_try_at(self, tries: int, *, at: datetime) -> datetime | None:
        """When it is tried again after this answer to the last of ``tries``, if ever."""
        if self.is_success or self.is_final:
            return None
        return next_try_at(tries, at=at)
