"""Add-ons: charges that are attached to one subscription, each in a quantity that changes.

What is attached, changed and ended holds from the customer's present on, never before: no period
that is over is billed otherwise. Source: CREDITS 23, docs/decisions/0083.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvalidInput, InvalidTransition, NotFound
from billing.money import ONE, ZERO, find_currency, plain_text
from billing.rating.terms import ChargeType
from billing.subscriptions import has_ended
from billing.timeline import Happening
from models.base import new_id
from models.subscriptions.add_ons import AddOnQuantity, SubscriptionAddOn
from models.subscriptions.subscriptions import Subscription
from repositories.catalog import plans as stored_plans
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import add_ons as stored_add_ons
from services.audit_log import record
from services.lifecycle.changes import lock_for_change
from services.required import require_plan
from services.subscriptions import periods
from services.subscriptions.start import get_subscription

LOGGED: Final[Mapping[Happening, str]] = {
    Happening.ADD_ON_ATTACHED: "add_on.attached",
    Happening.ADD_ON_CHANGED: "add_on.changed",
    Happening.ADD_ON_ENDED: "add_on.ended",
}
"""What the audit log calls that which the timeline tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAddOn:
    """A charge to attach, and how many of it.

    Units: ``unit_price`` is the amount of one for a whole billing period, in major units of
    ``currency``, which is the plan's; None means the same.
    """

    type: ChargeType
    unit_price: Decimal
    display_name: str | None = None
    currency: str | None = None
    quantity: Decimal = ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOnReading:
    """An add-on with every quantity that it has had, in their order."""

    row: SubscriptionAddOn
    quantities: Sequence[AddOnQuantity]

    @property
    def newest(self) -> AddOnQuantity:
        """The quantity that holds, of zero once the add-on ended."""
        return self.quantities[-1]

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it is attached any more."""
        return self.newest.quantity == ZERO


def attach_add_on(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    command: NewAddOn,
    *,
    now: datetime,
) -> AddOnReading:
    """The charge is attached from the customer's present on, or from the subscription's start.

    Raises NotFound, InvalidInput naming the field, InvalidTransition once the subscription is
    canceled. Repeated it attaches another one, unless under an Idempotency-Key.
    """
    subscription, present = lock_for_change(session, organization_id, subscription_id, now=now)
    _require_alive(subscription)
    _require_fixed(session, subscription, command)
    _require_some(command.quantity)
    row = SubscriptionAddOn(
        organization_id=organization_id,
        id=new_id(),
        subscription_id=subscription.id,
        unit_price=command.unit_price,
        display_name=command.display_name,
        created_at=now,
    )
    stored_add_ons.insert_add_on(session, row)
    at = _not_before_period(session, subscription, present)
    price = {"unit_price": row.unit_price, "display_name": row.display_name}
    edit = _Edit(happening=Happening.ADD_ON_ATTACHED, quantity=command.quantity, at=at, more=price)
    return _hold(session, subscription, row, edit, now=now)


def change_quantity(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    add_on_id: UUID,
    quantity: Decimal,
    *,
    now: datetime,
) -> AddOnReading:
    """The add-on has that quantity from the customer's present on. It is no change to repeat it.

    Raises NotFound, InvalidInput for a quantity of zero, Conflict ``add_on_ended``,
    InvalidTransition once the subscription is canceled.
    """
    subscription, present = lock_for_change(session, organization_id, subscription_id, now=now)
    reading = _get(session, subscription, add_on_id)
    _require_some(quantity)
    _require_alive(subscription)
    if reading.has_ended:
        raise InvalidTransition(
            "An add-on that ended stays so; attach another one.", code="add_on_ended"
        )
    if quantity == reading.newest.quantity:
        return reading
    at = _not_before(session, subscription, reading, present)
    edit = _Edit(
        happening=Happening.ADD_ON_CHANGED,
        quantity=quantity,
        at=at,
        before={"quantity": reading.newest.quantity},
    )
    return _hold(session, subscription, reading.row, edit, now=now)


def end_add_on(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    add_on_id: UUID,
    *,
    now: datetime,
) -> None:
    """Nothing of the add-on is attached from the customer's present on. Idempotent once it ended.

    Raises NotFound, InvalidTransition once the subscription is canceled.
    """
    subscription, present = lock_for_change(session, organization_id, subscription_id, now=now)
    reading = _get(session, subscription, add_on_id)
    if reading.has_ended:
        return
    _require_alive(subscription)
    at = _not_before(session, subscription, reading, present)
    edit = _Edit(
        happening=Happening.ADD_ON_ENDED,
        quantity=ZERO,
        at=at,
        before={"quantity": reading.newest.quantity},
    )
    _hold(session, subscription, reading.row, edit, now=now)


def get_add_on(
    session: Session, organization_id: UUID, subscription_id: UUID, add_on_id: UUID
) -> AddOnReading:
    """An add-on of the subscription, ended or not. Raises NotFound."""
    return _get(session, get_subscription(session, organization_id, subscription_id), add_on_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """A quantity that holds from an instant on, and what the log says of it besides."""

    happening: Happening
    quantity: Decimal
    at: datetime
    before: Mapping[str, object] | None = None
    more: Mapping[str, object] = field(default_factory=dict)


def _hold(
    session: Session,
    subscription: Subscription,
    row: SubscriptionAddOn,
    edit: _Edit,
    *,
    now: datetime,
) -> AddOnReading:
    """The quantity holds, and the timeline and the audit log say so."""
    stored_add_ons.save_quantity(session, row, edit.quantity, effective_at=edit.at, now=now)
    stored_actions.insert_action(
        session,
        subscription,
        edit.happening,
        at=edit.at,
        recorded_at=now,
        detail=plain_text(edit.quantity),
    )
    said = {"quantity": edit.quantity, "effective_at": edit.at, **edit.more}
    record(
        session,
        row.organization_id,
        LOGGED[edit.happening],
        "add_on",
        row.id,
        before=edit.before,
        after={"subscription_id": row.subscription_id, **said},
        now=now,
    )
    return _read(session, row)


def _not_before(
    session: Session, subscription: Subscription, reading: AddOnReading, present: datetime
) -> datetime:
    """As :func:`_not_before_period`, and not before what is to be replaced began."""
    begun_at = reading.newest.effective_at
    return max(_not_before_period(session, subscription, present), begun_at)


def _not_before_period(session: Session, subscription: Subscription, present: datetime) -> datetime:
    """The present, or the start of the running period where somebody read the time before it."""
    running = periods.find_open_period(session, subscription)
    return present if running is None else max(present, running.starts_at)


def _get(session: Session, subscription: Subscription, add_on_id: UUID) -> AddOnReading:
    row = stored_add_ons.find_add_on(session, subscription.organization_id, add_on_id)
    if row is None or row.subscription_id != subscription.id:
        raise NotFound("Add-on not found.", code="add_on_not_found")
    return _read(session, row)


def _read(session: Session, row: SubscriptionAddOn) -> AddOnReading:
    found = stored_add_ons.list_quantities(session, row.organization_id, [row.id])
    return AddOnReading(row=row, quantities=found[row.id])


def _require_alive(subscription: Subscription) -> None:
    if has_ended(subscription.status):
        raise InvalidTransition("The add-ons of a subscription that is CANCELED do not change.")


def _require_some(quantity: Decimal) -> None:
    if quantity <= ZERO:
        raise InvalidInput("A quantity is above 0; DELETE ends the add-on.", field="quantity")


def _require_fixed(session: Session, subscription: Subscription, command: NewAddOn) -> None:
    if command.type is not ChargeType.FIXED:
        raise InvalidInput(
            "An add-on's charge is FIXED: what is metered is charged by the plan.",
            code="add_on_is_metered",
            field="charge.type",
        )
    if command.currency is None:
        return
    plan = require_plan(
        stored_plans.find_plan(session, subscription.organization_id, subscription.plan_id),
        may_be_deleted=True,
    )
    if find_currency(command.currency, field="charge.currency").code != plan.currency:
        raise InvalidInput(f"The plan's currency is {plan.currency}.", field="charge.currency")
