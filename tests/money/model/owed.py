"""What a period comes to in the model of money, less what was forgiven and given back of it.

*Source: CONTRACT 72, 82, 85.*
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from tests.money.model.journal import WRITTEN
from tests.money.model.lives import Period, State
from tests.money.model.notes import given_back

NOTHING = Fraction(0)


def owed_of(
    period: Period, wanted: Mapping[str, Fraction], *, ignores_late: bool
) -> dict[str, Fraction]:
    """What is owed of each charge; what is owed of all together besides stands at ``WRITTEN``."""
    others = (*(one.charge for one in period.notes), *(one.charge for one in period.forgiven))
    noted = {
        name: given_back(period.notes, name)
        for name in dict.fromkeys((*wanted, *others))
        if name not in (WRITTEN, None)
    }
    # No correction gives back what was given back already.
    owed = {
        name: period.forgive(name, max(wanted.get(name, NOTHING), given)) - given
        for name, given in noted.items()
    }
    if period.is_one:
        given, each = sum(noted.values(), NOTHING), sum(owed.values(), NOTHING)
        is_fixed = ignores_late and period.written is not None
        owed_in_all = period.replaced if is_fixed else each + given
        owed[WRITTEN] = _owed_as_one(period, owed_in_all, given) - each
    return owed


def _owed_as_one(period: Period, wanted: Fraction, noted: Fraction) -> Fraction:
    """What all charges come to together, less ``noted``, which was given back of them.

    What people wrote stands in the place of all that it replaced, and notes and corrections
    together give back no more of it than there is (CONTRACT 72, 82).
    """
    if period.state is not State.FINAL or period.written is None:
        return period.forgive(None, wanted) - noted
    written = period.written - given_back(period.notes, WRITTEN)
    at_least = period.replaced - max(NOTHING, written) + noted
    return period.forgive(None, max(wanted, at_least)) - noted - period.replaced + written
