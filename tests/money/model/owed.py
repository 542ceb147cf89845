"""What a period comes to in the model of money, less what was forgiven and given back of it.

*Source: CONTRACT 72, 82, 85.*
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from tests.money.model.journal import WRITTEN, Said
from tests.money.model.lives import Forgiven, Life, Period, State
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


def said_of(period: Period, owed: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """What documents bill of each charge once all is settled, what people gave back included."""
    return {
        name: amount + given_back(period.notes, name)
        for name, amount in owed.items()
        if name != WRITTEN
    }


def forgive(life: Life, said: Sequence[Said]) -> None:
    """What a void document said is neither billed nor given back again (CONTRACT 85)."""
    for index in dict.fromkeys(one.period for one in said):
        period, of_period = life.periods[index], [one for one in said if one.period == index]
        if period.is_one:
            amount = sum((Fraction(one.amount) for one in of_period), NOTHING)
            stood = Fraction(of_period[0].stand)
            stood += period.replaced if period.written is not None else NOTHING
            period.forgiven.append(Forgiven(charge=None, stood=stood, amount=amount))
        else:
            period.forgiven += [
                Forgiven(charge=one.charge, stood=Fraction(one.stands), amount=Fraction(one.amount))
                for one in of_period
            ]


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
