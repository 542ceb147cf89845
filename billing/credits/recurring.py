"""Grants that recur: the n-th of a rule begins at the n-th boundary of the one calendar function.

Source: CREDITS 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID, uuid5

from billing.errors import InvalidInput
from billing.periods import Anchor, Cadence, boundary, boundary_after

MOST_MISSED: Final = 1000
"""How many grants a rule may bring at once because its anchor lies in the past."""

MOST_SOLD: Final = 40
"""How many sales they may be: each is an invoice, and a request makes no more (CONTRACT 89)."""

MOST_TO_COME: Final = 4000
"""How many grants to come of a rule a balance counts: ten years of days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """The grant number ``number`` of a rule: when it begins, and when it is over, None for never.

    A local day that a zone skipped has a begin and no life: ``is_alive`` at no instant.
    """

    number: int
    begins_at: datetime
    expires_at: datetime | None

    @property
    def is_empty(self) -> bool:
        """Whether it is over as it begins, so that nothing is granted."""
        return self.expires_at is not None and self.expires_at <= self.begins_at

    def is_alive(self, at: datetime) -> bool:
        """Whether what is used at that instant can be paid from it."""
        return self.begins_at <= at and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """When grants recur: every ``cadence`` from the anchor on and before ``ends_at``.

    Each lives for ``expires_after``, None for ever.
    """

    anchor: Anchor
    cadence: Cadence
    expires_after: Cadence | None = None
    ends_at: datetime | None = None

    def begins_at(self, number: int) -> datetime | None:
        """When the grant of that number begins; None if the rule ends before."""
        try:
            at = boundary(self.anchor, self.cadence, number)
        except InvalidInput:
            return None  # Beyond the calendar nothing begins.
        return None if self.ends_at is not None and at >= self.ends_at else at

    def occurrence(self, number: int, begins_at: datetime) -> Occurrence:
        """The grant of that number, which begins then."""
        expires_at = None
        if self.expires_after is not None:
            expires_at = boundary_after(self.anchor, self.cadence, number, self.expires_after)
        return Occurrence(number=number, begins_at=begins_at, expires_at=expires_at)

    def due(self, first: int, at: datetime) -> Iterator[Occurrence]:
        """Every grant from the number ``first`` on that has begun by that instant, in order.

        Worked example: monthly from 31 January, in April two: of 28 February and 31 March.
        """
        number = first
        while (begins_at := self.begins_at(number)) is not None and begins_at <= at:
            yield self.occurrence(number, begins_at)
            number += 1

    def sold(self, first: int, at: datetime) -> Iterator[Occurrence]:
        """Those :meth:`due` that are not over by that instant: nobody buys what is."""
        return (one for one in self.due(first, at) if one.expires_at is None or at < one.expires_at)

    def require_sellable(self, at: datetime) -> None:
        """Return if no more than :data:`MOST_SOLD` would be sold at once. Raises: InvalidInput."""
        if next(islice(self.sold(0, at), MOST_SOLD, None), None) is not None:
            raise InvalidInput(
                f"More than {MOST_SOLD} grants would be sold at once: choose a later anchor.",
                code="too_many_missed",
                field="anchor",
            )

    def require_bounded(self, at: datetime) -> None:
        """Return if no more than :data:`MOST_MISSED` are due. Raises: InvalidInput."""
        begins_at = self.begins_at(MOST_MISSED)
        if begins_at is not None and begins_at <= at:
            raise InvalidInput(
                f"More than {MOST_MISSED} grants would be due at once: choose a later anchor.",
                code="too_many_missed",
                field="anchor",
            )

    def require_countable(self, first: int, at: datetime) -> None:
        """Return if a balance at that instant counts at most :data:`MOST_TO_COME` grants of it.

        Raises: InvalidInput.
        """
        begins_at = self.begins_at(first + MOST_TO_COME)
        if begins_at is not None and begins_at <= at:
            raise InvalidInput(
                f"More than {MOST_TO_COME} grants of a rule are to come by then: choose an earlier"
                " instant.",
                code="too_many_to_come",
                field="at",
            )


def id_of(rule_id: UUID, number: int) -> UUID:
    """The id of a rule's grant of that number: a read knows it before anybody has stored it."""
    return uuid5(rule_id, f"recur/{number}")
