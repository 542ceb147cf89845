"""What becomes of reports, told to who watches as it is committed, whichever process took them.

Nothing is stored. Reports of organizations that nobody watches are forgotten at once; what those
who watch in other processes are told is `spread.py`'s.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from billing.errors import BillingError, TooManyRequests
from services.ingestion.event_input import EventReport
from services.ingestion.submissions import EventResult, EventStatus, Submission

MOST_VIEWERS: Final = 8
"""Of one organization, in one process."""
MOST_OF_ONE: Final = 3
"""Of one member or key, in one process: who leaves screens open keeps none from others."""
MOST_WAITING: Final = 50
"""Outcomes that a viewer is told of in a second; of more only how many they are."""
TURN_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 15.0
RETRY_AFTER_SECONDS: Final = 30
LONGEST_TEXT: Final = 200


class Outcome(StrEnum):
    """What became of a reported event, and whether it counts."""

    COUNTED = "counted"
    LATE = "late"
    PAUSED = "paused"
    NOT_COUNTED = "not_counted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A report as it was sent, and what became of it; ``code`` and ``detail`` say why not."""

    at: datetime
    outcome: Outcome
    event_id: str | None = None
    meter: str | None = None
    customer: str | None = None
    quantity: str | None = None
    timestamp: str | None = None
    idempotency_key: str | None = None
    code: str | None = None
    detail: str | None = None


@dataclass(slots=True, eq=False)
class Viewer:
    """Somebody who watches, and what they were not told yet."""

    caller: str = ""
    waiting: deque[Told] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    passed_over: int = 0

    def hear(self, told: Sequence[Told], *, over: int) -> None:
        """They are told of these next; of the oldest only how many they were, if that is much."""
        self.passed_over += over + max(0, len(self.waiting) + len(told) - MOST_WAITING)
        self.waiting.extend(told)
        self.arrived.set()

    def take(self) -> tuple[list[Told], int]:
        """What they were not told yet, the oldest first, and how much more there was."""
        told, over = list(self.waiting), self.passed_over
        self.waiting.clear()
        self.arrived.clear()
        self.passed_over = 0
        return told, over

    async def turns(self, seconds: float) -> AsyncIterator[tuple[list[Told], int]]:
        """What came since the turn before, and how much more: at most once a second, for so long.

        A turn without anything comes as well, so that who is gone is noticed.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        while (left := ends_at - loop.time()) > 0:
            try:
                async with asyncio.timeout(min(SILENT_SECONDS, left)):
                    await self.arrived.wait()
            except TimeoutError:
                yield [], 0
                continue
            yield self.take()
            await asyncio.sleep(TURN_SECONDS)


class UsageTail:
    """Who watches, by organization: here, and in other processes. Used by one event loop.

    ``stirred`` is set when there is something to say to other processes.
    """

    def __init__(self, stream_seconds: float = 0.0) -> None:
        """A stream ends after as long: its client opens another, and a lost one is let go."""
        self.stream_seconds = stream_seconds
        self.stirred = asyncio.Event()
        self.away: dict[UUID, Viewer] = {}
        self._viewers: dict[UUID, list[Viewer]] = {}

    def __len__(self) -> int:
        """How many watch here."""
        return sum(map(len, self._viewers.values()))

    @property
    def watched(self) -> Collection[UUID]:
        """The organizations that somebody watches here."""
        return self._viewers.keys()

    def require_room(self, organization_id: UUID, caller: str) -> None:
        """One more of the caller's may watch. Raises TooManyRequests."""
        viewers = self._viewers.get(organization_id, ())
        own = sum(one.caller == caller for one in viewers)
        for found, most, whose in (
            (len(viewers), MOST_VIEWERS, ""),
            (own, MOST_OF_ONE, " of yours"),
        ):
            if found >= most:
                raise TooManyRequests(
                    f"{most} streams of events{whose} are open already; close one first.",
                    code="too_many_streams",
                    retry_after_seconds=RETRY_AFTER_SECONDS,
                )

    @contextmanager
    def watch(self, organization_id: UUID, caller: str) -> Iterator[Viewer]:
        """Somebody watches within the block. Raises TooManyRequests."""
        self.require_room(organization_id, caller)
        viewers = self._viewers.setdefault(organization_id, [])
        viewer = Viewer(caller=caller)
        viewers.append(viewer)
        self.stirred.set()
        try:
            yield viewer
        finally:
            viewers.remove(viewer)
            if not viewers:
                self._viewers.pop(organization_id, None)

    def tell(self, submission: Submission, results: Sequence[EventResult], at: datetime) -> None:
        """What became of reports, once that is committed; those of nobody's cost two look-ups."""
        organization_id = submission.organization_id
        viewers = self._viewers.get(organization_id, ())
        away = self.away.get(organization_id)
        if not viewers and away is None:
            return
        newest = slice(-MOST_WAITING, None)
        told = [
            _describe(row, result, at)
            for row, result in zip(submission.rows[newest], results[newest], strict=True)
        ]
        over = len(results) - len(told)
        for one in viewers:
            one.hear(told, over=over)
        if away is not None:
            away.hear(told, over=over)
            self.stirred.set()

    def hear(self, organization_id: UUID, told: Sequence[Told], *, over: int) -> None:
        """What another process took is told to whoever watches here."""
        for one in self._viewers.get(organization_id, ()):
            one.hear(told, over=over)


def _describe(row: EventReport | BillingError, result: EventResult, at: datetime) -> Told:
    report = row if isinstance(row, EventReport) else EventReport()
    error = result.error
    return Told(
        at=at,
        outcome=_outcome_of(result),
        event_id=result.event_id,
        meter=_text(report.meter_name or report.meter_token or report.meter_id),
        customer=_text(report.customer_external_id or report.customer_id),
        quantity=_text(report.quantity),
        timestamp=_text(report.timestamp),
        idempotency_key=_text(report.idempotency_key),
        code=None if error is None else error.code,
        detail=None if error is None else _text(str(error)),
    )


def _outcome_of(result: EventResult) -> Outcome:
    match result.status:
        case EventStatus.REJECTED:
            return Outcome.REFUSED
        case EventStatus.DUPLICATE:
            return Outcome.DUPLICATE
        case EventStatus.CREATED:
            if result.is_paused:
                return Outcome.PAUSED
            if not result.is_counted:
                return Outcome.NOT_COUNTED
            return Outcome.LATE if result.is_late else Outcome.COUNTED
    assert_never(result.status)


def _text(value: object) -> str | None:
    return None if value is None else str(value)[:LONGEST_TEXT]
