"""What a credit note gives back to grants that paid with tax, and what in money."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from billing.credits.grants import Place
from billing.credits.returns import CoveredLine, Paid, Returned, return_gross
from billing.units import currency_unit

GRANT = UUID("01a22a00-1d94-74fb-a813-08ac5a204c6d")
TWENTY_FIVE = Decimal(25)


@pytest.mark.parametrize(("received", "back"), [("0", "25"), ("6", "19"), ("25", "0")])
def test_no_more_money_goes_back_than_was_received_of_any_line(received: str, back: str) -> None:
    """The example of ``return_gross``: the note on the first line has lowered what was due."""
    paid = Paid(grant_id=GRANT, place=Place.AFTER_TAX, left=TWENTY_FIVE)
    first = CoveredLine(
        position=1, amount=Decimal(0), left=Decimal(0), is_taxable=False, paid=(paid,)
    )
    second = CoveredLine(position=2, amount=TWENTY_FIVE, left=TWENTY_FIVE, is_taxable=False)

    returned = return_gross(
        [second],
        TWENTY_FIVE,
        others=[first],
        given={2: TWENTY_FIVE},
        left={1: Decimal(0), 2: TWENTY_FIVE},
        received=Decimal(received),
        unit=currency_unit("USD"),
    )

    expected = Returned(grant_id=GRANT, position=1, amount=Decimal(back), place=Place.AFTER_TAX)
    assert returned == ((expected,) if expected.amount else ())
