"""Holds of credit on the wire (docs/concepts/credits.md)."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from api.schemas.common import Exact, Instant, Moment, NotNegative, Schema, View, Words
from models.credits.holds import CreditHold
from repositories.credits.holds import HoldAsked
from repositories.entitlements.hold_groups import Placed
from services.credits.holds import NewHold


class HoldCreate(Schema):
    """Credit to be set aside before something is used."""

    customer_id: UUID
    unit: Words
    """What it is counted in: the code of a unit, or a currency."""
    amount: NotNegative
    """How much is set aside, in the unit."""
    expires_at: Instant
    """Until when it is, within 24 hours from now; then it is free again by itself."""
    id: UUID | None = None
    """Your id of the hold, under which it happens once; absent for a new one."""

    def command(self) -> NewHold:
        """The command that the body stands for."""
        return self.fill(NewHold, hold_id=self.id)


class HoldSettle(Schema):
    """What something came to that credit was held for."""

    amount: NotNegative
    """How much was used, in the unit: at most what is held."""


class HoldStatus(StrEnum):
    """How a hold stands."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"


class HoldView(View, like=(HoldCreate,)):
    """Credit that is set aside, or was."""

    id: UUID
    customer_id: UUID
    unit: str
    amount: Exact
    status: HoldStatus
    """Whether it is still set aside, was used, or is free again."""
    settled_amount: Exact | None
    """How much was used; null unless it was settled."""
    at: Moment
    """When it was set aside, by the customer's clock."""
    expires_at: Moment
    ended_at: Moment | None
    """When it was settled or free again, by the customer's clock; null while it is held."""


def view_placed(asked: HoldAsked, placed: Placed) -> HoldView:
    """A hold that was placed a moment ago."""
    return HoldView(
        id=asked.id,
        customer_id=asked.customer_id,
        unit=asked.unit,
        amount=placed.amount,
        status=HoldStatus.HELD,
        settled_amount=None,
        at=placed.at,
        expires_at=asked.expires_at,
        ended_at=None,
    )


def view_hold(hold: CreditHold) -> HoldView:
    """The hold as the API shows it."""
    if hold.settled_amount is not None:
        status = HoldStatus.SETTLED
    else:
        status = HoldStatus.HELD if hold.ended_at is None else HoldStatus.RELEASED
    return HoldView(**hold.model_dump(include=set(HoldView.model_fields)), status=status)
