"""Performs what is asked of a subscription, on the real services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from billing.invoicing.invoices import InvoiceStatus
from billing.rating.terms import ChargeType
from services.invoicing import payment_status
from services.invoicing.threshold import amounts, bills
from services.lifecycle import add_ons, bill_now, changes, plan_changes
from services.lifecycle.add_ons import NewAddOn
from tests.money import documents
from tests.money.model import agreements, journal
from tests.money.model.agreements import Agreed

Call = Callable[..., Any]


def change(
    do: Call, request: journal.OnSubscription, subscription_id: UUID, plans: Mapping[str, UUID]
) -> None:
    """The subscription is on another plan, ends, goes on, or is billed here."""
    match request:
        case journal.PlanChanged(plan=plan, at_period_end=at_end):
            do(plan_changes.change_plan, subscription_id, plans[plan], at_period_end=at_end)
        case journal.Canceled(at_period_end=at_end):
            do(changes.cancel_subscription, subscription_id, at_period_end=at_end)
        case journal.Deleted():
            do(changes.delete_subscription, subscription_id)
        case journal.Reactivated():
            do(changes.reactivate_subscription, subscription_id)
        case journal.BilledEarly():
            do(bill_now.generate_invoices, subscription_id)


def agree(
    do: Call, read: Call, request: Agreed, subscription_id: UUID, names: dict[UUID, str]
) -> None:
    """It has a threshold, or something beside its plan, which is among ``names`` from then on."""
    match request:
        case agreements.ThresholdSet(amount=amount):
            do(amounts.set_threshold, subscription_id, amount)
        case agreements.Looked():
            do(bills.bill_if_reached, subscription_id)
        case agreements.StepVoided(period=period, place=place):
            steps = read(documents.list_steps, subscription_id, period)
            do(payment_status.change_status, steps[place], InvoiceStatus.VOID, note=None)
        case agreements.AddOnAttached():
            command = NewAddOn(
                type=ChargeType.FIXED,
                unit_price=request.price,
                display_name=request.name,
                quantity=request.quantity,
            )
            names[do(add_ons.attach_add_on, subscription_id, command).row.id] = request.name
        case agreements.AddOnChanged(name=name, quantity=quantity):
            [add_on_id] = [one for one, known in names.items() if known == name]
            if quantity:
                do(add_ons.change_quantity, subscription_id, add_on_id, quantity)
            else:
                do(add_ons.end_add_on, subscription_id, add_on_id)
