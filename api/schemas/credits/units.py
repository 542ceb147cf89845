"""Units of credit on the wire (docs/concepts/credits.md)."""

from __future__ import annotations

from typing import Annotated

from api.schemas.common import Count, Moment, Schema, View, Words, any_case
from billing.units import Taxation
from models.credits.wallets import CreditUnit
from services.credits.units import CreateUnit


class CreditUnitCreate(Schema):
    """What credit is counted in. A currency is a unit without being made."""

    code: Words
    """What it is called in requests: 2 to 32 capital letters, digits and `_`, such as `TOKENS`."""
    name: Words
    """What people call it."""
    scale: Count
    """How many decimal places its amounts have: 0 to 12, of a currency those that it has."""
    tax: Annotated[Taxation, any_case(Taxation)] = Taxation.AT_USE
    """When credit that is bought is taxed: as it pays (`at_use`) or as it is sold
    (`at_purchase`)."""

    def command(self) -> CreateUnit:
        """The command that the body stands for."""
        return self.fill(CreateUnit)


class CreditUnitView(View, like=(CreditUnitCreate,)):
    """What credit is counted in."""

    code: str
    name: str
    scale: int
    tax: Taxation
    created_at: Moment


def view_unit(unit: CreditUnit) -> CreditUnitView:
    """The unit as the API shows it."""
    return CreditUnitView.model_validate(unit, from_attributes=True)
