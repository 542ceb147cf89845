"""Cuts: a bill's line in the parts that different grants may pay, by when it was used.

Source: CREDITS 9.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from billing.credits.grants import Grant
from billing.errors import InvariantBroken
from billing.money import ZERO, exactly
from billing.periods import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of a line between two cuts; ``used_at`` is its first instant.

    No grant begins or ends within it, so who may pay its first instant may pay all of it. What was
    billed late is paid only by grants that are alive ``until`` it is billed as well (rule 19).
    """

    used_at: datetime
    amount: Decimal
    until: datetime | None = None

    def may_be_paid_by(self, grant: Grant) -> bool:
        """Whether the grant is alive when it counts."""
        return grant.is_alive(self.used_at) and (self.until is None or grant.is_alive(self.until))


def cut_instants(span: Period, grants: Iterable[Grant]) -> tuple[datetime, ...]:
    """Where a period is cut: every instant strictly inside it at which a grant begins or ends."""
    instants = {at for one in grants for at in (one.effective_at, one.expires_at) if at is not None}
    return tuple(sorted(at for at in instants if span.starts_at < at < span.ends_at))


@exactly
def segments_of_usage(
    span: Period, cuts: Sequence[datetime], totals: Sequence[Decimal]
) -> tuple[Segment, ...]:
    """A line's segments, from what it came to up to each cut and, last, in all.

    ``totals`` are rounded as the line is. A segment is the growth since the cut before it; where
    the total shrinks (a volume price that falls, a maximum), the newest segments give back first.
    So the segments add up to the line, and none is below zero. Worked example: 10.00 up to the cut
    and 8.00 in all are segments of 8.00 and 0.
    """
    if len(totals) != len(cuts) + 1:
        raise InvariantBroken("A line has a total at each cut and one at its end.")
    amounts: list[Decimal] = []
    for before, total in pairwise((ZERO, *totals)):
        growth = max(total, ZERO) - max(before, ZERO)
        if growth < ZERO:
            amounts = _give_back(amounts, -growth)
        amounts.append(max(growth, ZERO))
    starts = (span.starts_at, *cuts)
    return _segments(starts, amounts)


def segments_of_fixed(
    span: Period, cuts: Sequence[datetime], total: Decimal
) -> tuple[Segment, ...]:
    """A fixed charge is used at the last instant of its period."""
    return _segments([cuts[-1] if cuts else span.starts_at], [max(total, ZERO)])


def segments_at(at: datetime, total: Decimal) -> tuple[Segment, ...]:
    """A line without a period is used as its invoice becomes final."""
    return _segments([at], [max(total, ZERO)])


def segments_of_late(span: Period, final_at: datetime, total: Decimal) -> tuple[Segment, ...]:
    """What is billed late of a period is paid by grants that were alive then and are still.

    When in the period it was used is not looked at: they are alive from its begin on.
    """
    if total <= ZERO:
        return ()
    until = max(final_at, span.starts_at)
    return (Segment(used_at=span.starts_at, amount=total, until=until),)


@exactly
def reduce(segments: Sequence[Segment], by: Decimal) -> tuple[Segment, ...]:
    """The segments with that much less in all, at most all; the newest give back first."""
    whole = sum((one.amount for one in segments), ZERO)
    left = _give_back([one.amount for one in segments], min(by, whole))
    found = zip(segments, left, strict=True)
    return tuple(replace(one, amount=amount) for one, amount in found if amount > ZERO)


@exactly
def used_after(segments: Sequence[Segment], billed: Decimal) -> tuple[Segment, ...]:
    """What of a line was used after so much of it was billed: the oldest segments are taken first.

    Worked example: of 30 and then 70, once 60 are billed, 40 of the later are left.
    """
    due = billed
    left = []
    for one in segments:
        taken = min(one.amount, due)
        due -= taken
        left.append(replace(one, amount=one.amount - taken))
    return tuple(one for one in left if one.amount > ZERO)


def _give_back(amounts: Sequence[Decimal], back: Decimal) -> list[Decimal]:
    left = list(amounts)
    for place in reversed(range(len(left))):
        given = min(left[place], back)
        left[place] -= given
        back -= given
    if back != ZERO:
        raise InvariantBroken("More is given back than there was.")
    return left


def _segments(starts: Sequence[datetime], amounts: Sequence[Decimal]) -> tuple[Segment, ...]:
    found = zip(starts, amounts, strict=True)
    return tuple(Segment(used_at=at, amount=amount) for at, amount in found if amount > ZERO)
