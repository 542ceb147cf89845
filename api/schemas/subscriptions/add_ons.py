"""Add-ons of subscriptions on the wire (docs/guides/add-ons.md)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from api.schemas.common import (
    Exact,
    Moment,
    Money,
    NotNegative,
    Price,
    Schema,
    View,
    Words,
    any_case,
)
from billing.money import ONE
from billing.rating.terms import ChargeType
from services.lifecycle.add_ons import AddOnReading, NewAddOn


class AddOnChargeCreate(Schema):
    """What one of an add-on costs."""

    type: Annotated[ChargeType, any_case(ChargeType)] = ChargeType.FIXED
    """`FIXED`: what is metered is charged by the plan."""
    unit_price: Price
    """The amount of one for a whole billing period of the subscription."""
    display_name: Words | None = None
    """What invoices call it; absent for `Add-on`."""
    currency: Words | None = None
    """The plan's currency; no other is taken."""


class AddOnCreate(Schema):
    """A charge to attach to a subscription, and how many of it."""

    charge: AddOnChargeCreate
    """What one costs. It never changes: attach another add-on for another price."""
    quantity: NotNegative = ONE
    """How many, above 0; fractions count."""

    def command(self) -> NewAddOn:
        """The command that the body stands for."""
        return self.charge.fill(NewAddOn, quantity=self.quantity)


class AddOnPatch(Schema):
    """How many there are from now on."""

    quantity: NotNegative
    """How many, above 0; fractions count."""


class AddOnChargeView(View, like=(AddOnChargeCreate,)):
    """What one of an add-on costs."""

    id: UUID
    """The charge as invoice lines, coupons and grants name it: the id of the add-on."""
    type: ChargeType
    unit_price: Money
    display_name: str | None
    """What invoices call it; null where they say `Add-on`."""


class AddOnView(View, like=(AddOnCreate,)):
    """A charge that is attached to one subscription."""

    id: UUID
    subscription_id: UUID
    """The subscription on whose bills it is."""
    charge: AddOnChargeView
    quantity: Exact
    """How many there are; 0 once it ended."""
    attached_at: Moment
    """From when on it is billed, in the customer's time."""
    effective_at: Moment
    """Since when it has this quantity, in the customer's time."""
    ended_at: Moment | None
    """When it ended, in the customer's time; null while it has not."""
    created_at: Moment


def view_add_on(reading: AddOnReading) -> AddOnView:
    """The add-on as the API shows it."""
    row, newest = reading.row, reading.newest
    return AddOnView(
        id=row.id,
        subscription_id=row.subscription_id,
        charge=AddOnChargeView(
            id=row.id,
            type=ChargeType.FIXED,
            unit_price=row.unit_price,
            display_name=row.display_name,
        ),
        quantity=newest.quantity,
        attached_at=reading.quantities[0].effective_at,
        effective_at=newest.effective_at,
        ended_at=newest.effective_at if reading.has_ended else None,
        created_at=row.created_at,
    )
