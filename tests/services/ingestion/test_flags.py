"""Which arriving events are late, and which are paused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url
from sqlmodel import select

from models.base import new_id
from models.subscriptions.subscriptions import Subscription, SubscriptionPause, SubscriptionPeriod
from models.usage.events import UsageEvent
from repositories.asynchronous.connections import connect
from services.catalog.terms_cache import TermsCache
from services.ingestion.batch import PartitionCache
from services.ingestion.event_input import EventReport
from services.ingestion.ingest import ingest
from services.ingestion.submissions import EventResult, Submission
from tests.services.limited import add_customer
from tests.services.shop import NOW, Shop

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
PAUSED_AT = datetime(2026, 2, 10, tzinfo=UTC)
RESUMED_AT = datetime(2026, 2, 20, tzinfo=UTC)

Report = Callable[[list[EventReport]], Awaitable[list[EventResult]]]


@dataclass(frozen=True, slots=True)
class Life:
    """A customer whose January is final, and who paused in February."""

    shop: Shop
    customer: str

    def flags(self) -> dict[str | None, tuple[bool, bool]]:
        """Late and paused, by the key of the event."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            events = session.exec(
                select(UsageEvent).where(UsageEvent.organization_id == self.shop.organization_id)
            ).all()
            return {one.idempotency_key: (one.late, one.paused) for one in events}

    def events_at(self, instants: dict[str, str]) -> list[EventReport]:
        """A call at each instant, by the key of the event."""
        return [
            EventReport(
                meter_name="api_calls",
                customer_id=self.customer,
                quantity=1,
                timestamp=timestamp,
                idempotency_key=key,
            )
            for key, timestamp in instants.items()
        ]


@pytest.fixture
def life(shop: Shop) -> Life:
    meter = shop.add_meter("api_calls")
    shop.add_meter("elsewhere")
    plan = shop.add_plan()
    shop.add_usage_charge(plan, meter.id)
    customer_id = add_customer(shop).id
    subscription = Subscription(
        organization_id=shop.organization_id,
        id=new_id(),
        customer_id=customer_id,
        plan_id=plan.id,
        status="ACTIVE",
        timezone="UTC",
        billing_interval="month",
        anchor_at=JANUARY,
        start_date=JANUARY,
        current_period_index=1,
        current_period_start=FEBRUARY,
        current_period_end=MARCH,
        created_at=JANUARY,
    )
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.add(subscription)
        session.flush()
        session.add(period(subscription, 0, JANUARY, FEBRUARY, "final"))
        session.add(period(subscription, 1, FEBRUARY, MARCH, "drafted"))
        session.add(
            SubscriptionPause(
                organization_id=shop.organization_id,
                id=new_id(),
                subscription_id=subscription.id,
                starts_at=PAUSED_AT,
                ends_at=RESUMED_AT,
            )
        )
    return Life(shop, str(customer_id))


def period(
    subscription: Subscription, index: int, starts_at: datetime, ends_at: datetime, status: str
) -> SubscriptionPeriod:
    return SubscriptionPeriod(
        organization_id=subscription.organization_id,
        subscription_id=subscription.id,
        index=index,
        ordinal=index,
        anchor_at=JANUARY,
        starts_at=starts_at,
        ends_at=ends_at,
        plan_id=subscription.plan_id,
        plan_version=1,
        status=status,
    )


@pytest.fixture
def report(shop: Shop, module_database_url: str) -> Report:
    """Ingests reports as the writer does."""

    async def run(reports: list[EventReport]) -> list[EventResult]:
        connection = await connect(make_url(module_database_url))
        try:
            (results,) = await ingest(
                connection,
                [Submission(organization_id=shop.organization_id, rows=reports)],
                months=PartitionCache(),
                now=NOW,
                terms=TermsCache(),
            )
        finally:
            await connection.close()
        assert [one.error for one in results] == [None] * len(reports)
        return results

    return run


async def test_event_of_a_final_period_is_late_up_to_its_end(life: Life, report: Report) -> None:
    instants = {
        "before the first": "2025-12-31T23:59:59.999999Z",
        "first": "2026-01-01T00:00:00Z",
        "last": "2026-01-31T23:59:59.999999Z",
        "next": "2026-02-01T00:00:00Z",
    }

    await report(life.events_at(instants))

    assert life.flags() == {
        "before the first": (False, False),
        "first": (True, False),
        "last": (True, False),
        "next": (False, False),
    }


async def test_event_of_a_pause_is_paused_from_its_start_to_its_end(
    life: Life, report: Report
) -> None:
    instants = {
        "before": "2026-02-09T23:59:59.999999Z",
        "first": "2026-02-10T00:00:00Z",
        "last": "2026-02-19T23:59:59.999999Z",
        "resumed": "2026-02-20T00:00:00Z",
    }

    await report(life.events_at(instants))

    assert life.flags() == {
        "before": (False, False),
        "first": (False, True),
        "last": (False, True),
        "resumed": (False, False),
    }


async def test_other_meters_and_customers_have_no_flags(life: Life, report: Report) -> None:
    other = str(add_customer(life.shop).id)
    named = [("elsewhere", life.customer), ("api_calls", other)]

    await report(
        [
            EventReport(
                meter_name=meter,
                customer_id=customer,
                quantity=1,
                timestamp=timestamp,
                idempotency_key=f"{meter} {customer} {timestamp}",
            )
            for meter, customer in named
            for timestamp in ("2026-01-15T00:00:00Z", "2026-02-15T00:00:00Z")
        ]
    )

    assert set(life.flags().values()) == {(False, False)}
    assert len(life.flags()) == 4
