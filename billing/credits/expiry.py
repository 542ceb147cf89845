"""The end of a grant: what rolls over into a new one, what expires, and what each part cost.

Source: CREDITS 8 and 18.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from billing.errors import InvalidInput
from billing.money import ZERO, exactly, require_decimals, round_half_away
from billing.periods import Anchor, Cadence, Interval, boundary, boundary_after, index_containing
from billing.units import Unit

MOST_ROLLOVERS: Final = 1000
HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollover:
    """What of a grant goes on when its time is over, into a new grant, and how often.

    At most ``max`` of it, in its unit, and at most ``percent`` of what was granted; None does not
    limit. The new grant expires ``expires_after`` later, None for never; where ``calendar`` says
    from which instant grants recur, that is counted from it, so that it ends where they begin.
    Raises: InvalidInput, which names the field.
    """

    times: int = 1
    max: Decimal | None = None
    percent: Decimal | None = None
    expires_after: Cadence | None = None
    calendar: Anchor | None = None

    def __post_init__(self) -> None:
        require_decimals(max=self.max, percent=self.percent)
        if type(self.times) is not int or not 1 <= self.times <= MOST_ROLLOVERS:
            raise InvalidInput(f"times is 1 to {MOST_ROLLOVERS}.", field="rollover.times")
        if self.max is not None and self.max <= ZERO:
            raise InvalidInput("max is more than 0.", code="not_positive", field="rollover.max")
        if self.percent is not None and not ZERO < self.percent <= HUNDRED:
            raise InvalidInput("percent is more than 0, at most 100.", field="rollover.percent")

    def require_scale(self, unit: Unit) -> None:
        """Return if the unit can say ``max``. Raises: InvalidInput ``finer_than_unit``."""
        if self.max is not None:
            unit.require_scale(self.max, field="rollover.max")

    def next_expiry(self, expired_at: datetime, timezone: str) -> datetime | None:
        """When the grant expires that begins as this one's does, by the local calendar."""
        if self.expires_after is None:
            return None
        return self._on_calendar(expired_at, self.expires_after) or boundary(
            Anchor(starts_at=expired_at, timezone=timezone), self.expires_after, 1
        )

    def _on_calendar(self, expired_at: datetime, length: Cadence) -> datetime | None:
        """As far from the calendar's begin as the next grants are; None off its boundaries."""
        if self.calendar is None:
            return None
        for unit in (Cadence(interval=Interval.MONTH), Cadence(interval=Interval.DAY)):
            n = index_containing(self.calendar, unit, expired_at)
            if boundary(self.calendar, unit, n) == expired_at:
                return boundary_after(self.calendar, unit, n, length)
        return None

    def rest_of_times(self) -> Rollover | None:
        """How the new grant rolls over in its turn; None if that was the last time."""
        if self.times == 1:
            return None
        return Rollover(
            times=self.times - 1,
            max=self.max,
            percent=self.percent,
            expires_after=self.expires_after,
            calendar=self.calendar,
        )


@exactly
def rolled_amount(
    rollover: Rollover | None, rest: Decimal, *, granted: Decimal, unit: Unit
) -> Decimal:
    """What of the rest goes on, an amount that the unit can say; what is above it expires.

    Worked example: of 40 left of 100, with 30 percent and max 25, 25 go on and 15 expire.
    """
    if rollover is None:
        return ZERO
    limits = [rest]
    if rollover.max is not None:
        # Rollovers were once taken with a limit that is finer: a grant of it could pay no bill.
        limits.append(rollover.max // unit.finest * unit.finest)
    if rollover.percent is not None:
        limits.append(unit.round(granted * rollover.percent / HUNDRED))
    return min(limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostBasis:
    """What a grant was sold for whose draws are taxed as they are used, as a bill finds it.

    Units: ``amount`` is what all of it cost, ``left`` what no document has said of that yet and
    nothing took away, both in major units of ``currency``; ``held`` is in the grant's unit.
    """

    amount: Decimal
    currency: str
    left: Decimal
    held: Decimal = ZERO


@exactly
def cost_of_rest(cost: Decimal, rest: Decimal, *, granted: Decimal, places: int) -> Decimal:
    """What the rest of a grant cost, in money with that many decimal places.

    Whatever leaves a grant costs what its rest cost before, less what it costs after: so all parts
    cost what the grant did, to the cent, and the last one takes the remainder. Worked example: a
    third of 10.00 costs 3.33, and the next third 3.34.
    """
    used = round_half_away(cost * (granted - rest), places, divisor=granted)
    return cost - used
