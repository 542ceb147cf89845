"""Proration: which share of a fixed amount a partial period owes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.errors import InvalidInput
from billing.money import Currency, allocate
from billing.periods import Period
from billing.ratios import Exact, quotient


class ProrationBasis(StrEnum):
    """What a share is counted in: local days, or elapsed time to the microsecond."""

    DAY = "day"
    SECOND = "second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """An exact fraction: ``covered`` of ``total`` days or microseconds."""

    covered: int
    total: int
    basis: ProrationBasis = ProrationBasis.DAY

    def __post_init__(self) -> None:
        if not (0 <= self.covered <= self.total and self.total > 0):
            raise InvalidInput("A share lies between none and all.", field="covered")

    @property
    def is_whole(self) -> bool:
        """Whether nothing is taken off."""
        return self.covered == self.total

    def of(self, amount: Decimal) -> Exact:
        """Give this share of an amount, exactly.

        Worked example: 17 of 31 days of 30 is 16.4516…, which rounds to 16.45.
        """
        if self.is_whole:
            return amount
        return quotient(amount, self.total) * Decimal(self.covered)

    def plus(self, other: Share) -> Share:
        """Give the share of both parts together, at most the whole.

        Parts of one period may be counted in different units, if the basis changed between them.
        """
        if other.total == self.total:
            return Share(
                covered=min(self.covered + other.covered, self.total),
                total=self.total,
                basis=self.basis,
            )
        total = self.total * other.total
        covered = self.covered * other.total + other.covered * self.total
        return Share(covered=min(covered, total), total=total, basis=self.basis)


NONE: Final = Share(covered=0, total=1)
WHOLE: Final = Share(covered=1, total=1)


def share_of(
    part: Period,
    regular: Period,
    *,
    timezone: str,
    basis: ProrationBasis,
    paused: Sequence[Period] = (),
) -> Share:
    """Give which share of the regular period a part of it covers, pauses taken off.

    By day: local dates from the first (inclusive) to the last (exclusive), over those of the
    regular period. By second: elapsed time over elapsed time, so a day on which the clocks change
    counts 23 or 25 hours. Raises: InvalidInput if the part lies outside the regular period.
    Source: CONTRACT 18, 50, 51. Worked example: 15 January to 1 February is 17 of 31 days.
    """
    if part.starts_at < regular.starts_at or part.ends_at > regular.ends_at:
        raise InvalidInput("The part lies outside its regular period.", field="part")
    total = _length(regular, timezone, basis)
    if total == 0:
        return Share(covered=0, total=1, basis=basis)
    spans = _merge([cut for pause in paused if (cut := pause.intersect(part))])
    lost = sum(_length(span, timezone, basis) for span in spans)
    return Share(covered=_length(part, timezone, basis) - lost, total=total, basis=basis)


def split(amount: Decimal, shares: Sequence[Share], currency: Currency) -> tuple[Decimal, ...]:
    """Share a rounded amount out over parts of one period so that they add up to it exactly.

    Source: CONTRACT 18; largest-remainder method.
    """
    return allocate(amount, [Decimal(share.covered) for share in shares], currency)


def _length(span: Period, timezone: str, basis: ProrationBasis) -> int:
    if basis is ProrationBasis.DAY:
        return span.local_days(timezone)
    return span.elapsed_microseconds


def _merge(spans: Sequence[Period]) -> list[Period]:
    merged: list[Period] = []
    for span in sorted(spans):
        if merged and span.starts_at <= merged[-1].ends_at:
            last = merged.pop()
            merged.append(Period(starts_at=last.starts_at, ends_at=max(last.ends_at, span.ends_at)))
        else:
            merged.append(span)
    return merged
