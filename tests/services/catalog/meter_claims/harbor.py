"""A customer whose subscriptions claim meters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from billing.errors import Conflict
from models.catalog.plans import Plan
from models.subscriptions.subscriptions import Subscription
from repositories.catalog import meter_claims
from services.lifecycle import changes, plan_changes
from services.subscriptions import clocks
from services.subscriptions import start as subscriptions
from services.subscriptions.start import CreateSubscription
from tests.services.shop import Shop

JANUARY, TENTH = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 10, tzinfo=UTC)
FEBRUARY, MARCH = datetime(2025, 2, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Harbor:
    """A customer on a test clock that stands on 1 January 2025."""

    shop: Shop
    customer_id: UUID
    clock_id: UUID

    def subscribe(self, plan: Plan, start: datetime = JANUARY, **options: Any) -> Subscription:
        command = CreateSubscription(
            customer_id=self.customer_id, plan_id=plan.id, start_date=start, **options
        )
        return self.shop.do(subscriptions.create_subscription, command)

    def cancel(self, subscription: Subscription, *, at_period_end: bool = False) -> None:
        self.call(changes.cancel_subscription, subscription, at_period_end=at_period_end)

    def change(self, subscription: Subscription, plan: Plan, *, at_period_end: bool) -> None:
        self.call(plan_changes.change_plan, subscription, plan.id, at_period_end=at_period_end)

    def call(self, service: Any, subscription: Subscription, *args: Any, **options: Any) -> None:
        shop = self.shop
        with shop.transactions.for_organization(shop.organization_id) as session:
            service(session, shop.organization_id, subscription.id, *args, now=JANUARY, **options)

    def send_clock(self, to: datetime) -> None:
        """The clock stands at ``to``, and every subscription on it has come along."""
        self.shop.do(clocks.advance_clock, self.clock_id, to)
        for subscription_id in {one.subscription_id for one in self._rows()}:
            self.shop.read(clocks.record_progress, subscription_id, to)

    def claims(self, meter_id: UUID) -> Sequence[tuple[UUID, datetime, datetime | None]]:
        """What is claimed of a meter, in order."""
        return [
            (one.subscription_id, one.starts_at, one.ends_at)
            for one in self._rows()
            if one.meter_id == meter_id
        ]

    def _rows(self) -> Sequence[Any]:
        return self.shop.read(meter_claims.list_claims, self.customer_id)


def sell(shop: Shop, lookup_id: str, *meter_ids: UUID) -> Plan:
    """A plan that charges these meters."""
    plan = shop.add_plan(lookup_id)
    for meter_id in meter_ids:
        shop.add_usage_charge(plan, meter_id)
    return plan


def refusal(caught: pytest.ExceptionInfo[Conflict]) -> tuple[str, str | None, str | None]:
    error = caught.value
    return error.code, error.identifiers["subscription_id"], error.identifiers["free_from"]
