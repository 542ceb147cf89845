"""Fees that are added to plans, and subscriptions on the wall's time that are billed by them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from activities.subscriptions import SubscriptionActivities
from billing.rating.terms import ChargeType
from models.catalog.plans import Plan
from repositories.subscriptions import subscriptions
from services.catalog import charges, edits
from services.catalog.charges import AddCharge
from services.subscriptions import agenda as agendas
from services.subscriptions.start import CreateSubscription, create_subscription
from tests.services.limited import add_customer
from tests.services.shop import NOW, Shop
from tests.workflows.acting import perform_entry


def fee(amount: str) -> AddCharge:
    return AddCharge(type=ChargeType.FIXED, unit_price=Decimal(amount))


def add_fee(shop: Shop, plan_id: UUID, amount: str, **options: Any) -> edits.EditReach:
    """The plan charges one more fee; what the edit reaches."""
    now = options.pop("now", NOW)
    with shop.transactions.for_organization(shop.organization_id) as session:
        return charges.add_charge(
            session, shop.organization_id, plan_id, fee(amount), now=now, **options
        ).reach


class WallLife:
    """A subscription on the wall's time, whose workflow acts when the test says so."""

    def __init__(self, shop: Shop, plan: Plan, *, starts_at: datetime, **options: Any) -> None:
        command = CreateSubscription(
            customer_id=add_customer(shop).id, plan_id=plan.id, start_date=starts_at, **options
        )
        self.shop = shop
        self.id = shop.do(create_subscription, command).id

    def catch_up(self, until: datetime) -> None:
        """Everything that was due by ``until`` is done, at that instant."""
        activities = SubscriptionActivities(self.shop.transactions, lambda: until)
        names = str(self.shop.organization_id), str(self.id)
        while agenda := self.shop.read(agendas.get_state, self.id).agenda:
            if agenda[0].due_at > until:
                return
            perform_entry(activities, *names, agenda[0])

    def versions(self) -> list[int]:
        """The versions of its periods, in order."""
        return [one.plan_version for one in self.shop.read(subscriptions.list_periods, self.id)]
