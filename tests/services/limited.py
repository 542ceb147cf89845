"""A limited feature that is sold to one customer, and how its usage arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlmodel import col, select

from billing.metering.aggregations import Aggregation
from models.base import new_id
from models.catalog.features import Feature
from models.catalog.plans import Plan
from models.customers import Customer
from models.subscriptions.subscriptions import OutboxMessage, Subscription
from models.usage.events import UsageEvent
from repositories.asynchronous.connections import connect
from services.catalog.meters import CreateMeter, MeterDetails
from services.catalog.terms_cache import TermsCache
from services.ingestion.batch import PartitionCache
from services.ingestion.event_input import EventReport
from services.ingestion.ingest import ingest
from services.ingestion.submissions import EventResult, Submission
from services.subscriptions import start
from services.subscriptions.start import CreateSubscription
from tests.kept_connections import connect_kept, run_here
from tests.services.shop import NOW, Shop

START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Limited:
    """A shop that sells a limited feature to one customer."""

    shop: Shop
    feature: Feature
    plan: Plan
    customer: Customer
    subscription: Subscription

    def report(self, quantity: Any = 1, **fields: Any) -> EventReport:
        """A report of usage of the feature."""
        body: dict[str, Any] = {
            "meter_id": str(self.feature.meter_id),
            "customer_id": str(self.customer.id),
            "quantity": quantity,
            "timestamp": "2026-03-02T07:00:00Z",
        }
        return EventReport(**body | fields)

    def use(self, *quantities: Any, **fields: Any) -> list[str]:
        """What became of the reports of one batch."""
        return [word(one) for one in self.send([self.report(one, **fields) for one in quantities])]

    def send(self, rows: Sequence[EventReport], *, is_atomic: bool = False) -> list[EventResult]:
        """The answers to one batch."""
        return run_here(self._send(rows, is_atomic=is_atomic))

    async def _send(self, rows: Sequence[EventReport], *, is_atomic: bool) -> list[EventResult]:
        async with await connect_kept(self.shop.transactions.address) as connection:
            batch = Submission(
                organization_id=self.shop.organization_id, rows=rows, is_atomic=is_atomic
            )
            ((*results,),) = await ingest(
                connection, [batch], months=PartitionCache(), now=NOW, terms=TermsCache()
            )
            return results

    def recorded(self) -> list[Decimal]:
        """The quantities that are stored, in order of arrival."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            events = session.exec(
                select(UsageEvent)
                .where(UsageEvent.organization_id == self.shop.organization_id)
                .order_by(col(UsageEvent.arrival_sequence))
            )
            return [event.quantity for event in events]

    def messages(self) -> list[dict[str, Any]]:
        """The webhooks that wait to be sent, oldest first."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            found = session.exec(
                select(OutboxMessage)
                .where(
                    OutboxMessage.organization_id == self.shop.organization_id,
                    OutboxMessage.kind == "webhook",
                )
                .order_by(col(OutboxMessage.id))
            )
            return [message.payload for message in found]

    def told(self) -> list[tuple[int, int]]:
        """Threshold and usage of each webhook."""
        return [(one["data"]["threshold"], one["data"]["usage"]) for one in self.messages()]


def word(result: EventResult) -> str:
    """What became of a report, in one word: its status, or the code of its error."""
    return result.error.code if result.error is not None else result.status.value


def add_customer(shop: Shop) -> Customer:
    customer = Customer(
        organization_id=shop.organization_id,
        id=new_id(),
        name="Harbor Labs",
        created_at=NOW,
        updated_at=NOW,
    )
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.add(customer)
    return customer


def subscribe(shop: Shop, customer: Customer, plan: Plan, **options: Any) -> Subscription:
    command = CreateSubscription(
        customer_id=customer.id, plan_id=plan.id, start_date=START, **options
    )
    return shop.do(start.create_subscription, command)


def limit(
    shop: Shop, aggregation: Aggregation = Aggregation.SUM, *, pinned: bool = False, **grant: Any
) -> Limited:
    """A feature limited to 100 a month; by default events beyond are refused."""
    details = MeterDetails(aggregation_type=aggregation, property_name="user")
    meter = CreateMeter(meter_name="calls", details=details)
    feature = shop.add_feature("calls", meter=meter)
    plan = shop.add_plan()
    shop.grant(plan, feature, **{"usage_limit": Decimal(100), "reject_over_limit": True, **grant})
    customer = add_customer(shop)
    options = {"version_policy": "pinned"} if pinned else {}
    return Limited(shop, feature, plan, customer, subscribe(shop, customer, plan, **options))


async def race(limited: Limited, rows: Sequence[EventReport], *, clients: int) -> list[str]:
    """What became of the rows, each sent on its own by one of several clients at once."""
    waiting = list(rows)
    answers: list[str] = []

    async def send_while_any() -> None:
        async with await connect(limited.shop.transactions.address) as connection:
            while waiting:
                batch = Submission(
                    organization_id=limited.shop.organization_id, rows=[waiting.pop()]
                )
                ((result,),) = await ingest(
                    connection, [batch], months=PartitionCache(), now=NOW, terms=TermsCache()
                )
                answers.append(word(result))

    await asyncio.gather(*(send_while_any() for _ in range(clients)))
    return answers
