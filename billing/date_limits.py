"""How far a date may lie from now, so that what it asks for is bounded (CONTRACT 87)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from billing.errors import InvalidInput
from billing.periods import Anchor, Cadence, index_containing

MOST_BACKDATED_DAYS = 1830
MOST_MISSED_PERIODS = 1000

LONGEST_PLAN = timedelta(days=3660)
"""How far ahead anything is planned: about ten years."""

EARLIEST_CLOCK, LATEST_CLOCK = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Between these a test clock shows the time; every step of its workflows is as short as ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackdatingLimit:
    """How long before now a subscription may start; ``days`` is the operator's."""

    days: int = MOST_BACKDATED_DAYS

    def require_start(self, start: datetime, *, now: datetime) -> None:
        """Return if a subscription may start then. Raises InvalidInput naming what is allowed."""
        require_between(
            start, now - timedelta(days=self.days), now + LONGEST_PLAN, field="start_date"
        )


def require_few_missed(anchor: Anchor, cadence: Cadence, *, now: datetime) -> None:
    """Return if at most 1,000 periods from the anchor on are over. Raises InvalidInput."""
    missed = index_containing(anchor, cadence, now) if anchor.starts_at <= now else 0
    if missed > MOST_MISSED_PERIODS:
        raise InvalidInput(
            f"From start_date on {missed} periods would be missed; {MOST_MISSED_PERIODS} are"
            " allowed. Start later, or bill by a longer interval.",
            code="too_many_missed_periods",
            field="start_date",
        )


def clock_in_words(present: datetime, *, is_test_clock: bool) -> str:
    """Which clock a customer's present is read from, and what it shows, for words of refusals."""
    clock = "the customer's test clock" if is_test_clock else "this server's clock"
    return f"{clock}, {present.astimezone(UTC):%FT%TZ}"


def timestamp_in_future(present: datetime, *, is_test_clock: bool) -> InvalidInput:
    """The refusal of an event that lies too far ahead of its customer's present."""
    clock = clock_in_words(present, is_test_clock=is_test_clock)
    advice = " Advance the clock first." if is_test_clock else ""
    return InvalidInput(
        f"timestamp lies more than five minutes ahead of {clock}.{advice}",
        code="timestamp_in_future",
        field="timestamp",
    )


def require_between(instant: datetime, earliest: datetime, latest: datetime, *, field: str) -> None:
    """Return if the instant lies within. Raises InvalidInput ``out_of_range`` naming both ends."""
    if not earliest <= instant <= latest:
        raise InvalidInput(
            f"{field} must lie between {earliest.isoformat()} and {latest.isoformat()}.",
            code="out_of_range",
            field=field,
        )
