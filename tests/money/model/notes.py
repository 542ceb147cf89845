"""What people give back by hand, and when that is the same as what they gave back a moment ago.

*Source: CONTRACT 82.*
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

from tests.money.model import journal
from tests.money.model.journal import Said

REPEATED = timedelta(minutes=1)
"""Within it the same note is the one that was written, not another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What makes two notes the same: line and amount, if they were written a moment apart."""

    invoice: str | None
    line: str
    amount: Fraction
    at: datetime
    wall: timedelta

    def repeats(self, known: Stamp) -> bool:
        """Whether it says what ``known`` said, within a minute on the clock and on the wall."""
        is_same = replace(self, at=known.at, wall=known.wall) == known
        return is_same and max(self.at - known.at, self.wall - known.wall) < REPEATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a document gives back of a charge, and which; None is the period's own invoice."""

    charge: str
    amount: Fraction
    stamp: Stamp

    @property
    def invoice(self) -> str | None:
        """The document that it is on."""
        return self.stamp.invoice


def note_of(
    request: journal.Noted | journal.LateLineNoted, *, at: datetime, wall: timedelta
) -> tuple[Stamp, tuple[Said, ...]]:
    """What a request writes, and what it gives back of which charges of which periods."""
    amount = Fraction(request.amount)
    match request:
        case journal.LateLineNoted(line=line, invoice=invoice, said=said):
            return Stamp(invoice=invoice, line=line, amount=amount, at=at, wall=wall), said
        case journal.Noted(charge=charge):
            stamp = Stamp(invoice=None, line=charge, amount=amount, at=at, wall=wall)
            return stamp, (Said(period=request.period, charge=charge, amount=-request.amount),)


def given_back(notes: Iterable[Note], charge: str) -> Fraction:
    """What notes give back of a charge in all."""
    return sum((one.amount for one in notes if one.charge == charge), Fraction(0))
