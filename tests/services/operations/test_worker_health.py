"""Whether the workers do what is due (CONTRACT 4.13), read from what they have done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete

from models.accounts.organizations import Organization
from models.base import new_id
from models.subscriptions.subscriptions import OutboxMessage
from repositories.accounts.organizations import insert_organization
from repositories.operations.worker_health import WorkFacts
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.invoicing.finalize import DueInvoice, finalize_due_invoices
from services.invoicing.parking import park_bill, skip_bill
from services.lifecycle.bill_now import generate_invoices
from services.operations import coverage
from services.operations.worker_health import Health, WorkReport, judge, report_work
from services.subscriptions.clocks import create_clock
from services.subscriptions.rolling import roll_period
from services.subscriptions.start import CreateSubscription, create_subscription
from tests.services.shop import NOW, Shop

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def own_transactions(database_url: str) -> Iterator[Transactions]:
    """A database for each test, since a report covers all organizations."""
    engine = create_application_engine(database_url)
    yield Transactions(engine)
    engine.dispose()


@pytest.fixture
def business(own_transactions: Transactions) -> Shop:
    """An organization that relays find."""
    organization_id = new_id()
    with own_transactions.for_organization(organization_id) as session:
        insert_organization(
            session,
            Organization(id=organization_id, name="Lumen", slug="lumen", created_at=MARCH),
        )
    return Shop(transactions=own_transactions, organization_id=organization_id)


def subscribe(business: Shop, *, test_clock_id: UUID | None = None) -> UUID:
    """A monthly subscription from the 1st of March."""
    customer = business.do(
        create_customer,
        CreateCustomer(details=CustomerDetails(name="Harbor"), test_clock_id=test_clock_id),
    )
    plan = business.add_plan(f"plan_{new_id().hex}")
    command = CreateSubscription(customer_id=customer.id, plan_id=plan.id, start_date=MARCH)
    return business.do(create_subscription, command).id


def close_first_period(business: Shop, subscription_id: UUID) -> None:
    with business.transactions.for_organization(business.organization_id) as session:
        roll_period(session, business.organization_id, subscription_id, 0, due_at=APRIL, now=APRIL)


def park(business: Shop, subscription_id: UUID, step: str) -> None:
    with business.transactions.for_organization(business.organization_id) as session:
        park_bill(
            session,
            business.organization_id,
            subscription_id,
            period_index=0,
            step=step,
            reason="broken",
            at=APRIL,
            now=APRIL,
        )


def report(business: Shop, now: datetime) -> WorkReport:
    return report_work(business.transactions, now=now)


def test_nothing_done_and_nothing_due_is_unknown(business: Shop) -> None:
    found = report(business, MARCH)

    assert found.overall is Health.UNKNOWN
    assert found.generator.next_run_time is None
    assert found.finalizer.last_run is None


def test_next_run_is_the_earliest_end_of_a_period(business: Shop) -> None:
    subscribe(business)

    assert report(business, MARCH).generator.next_run_time == APRIL


def test_overdue_period_is_stale_after_two_hours(business: Shop) -> None:
    subscribe(business)

    assert report(business, APRIL + 2 * HOUR).generator.status is Health.UNKNOWN
    assert report(business, APRIL + 2 * HOUR + timedelta(seconds=1)).overall is Health.STALE


def test_closed_period_without_a_draft_is_still_due(business: Shop) -> None:
    close_first_period(business, subscribe(business))

    assert report(business, APRIL + 3 * HOUR).generator.status is Health.STALE


def test_draft_and_its_finalization_are_runs(business: Shop) -> None:
    subscription_id = subscribe(business)
    close_first_period(business, subscription_id)
    made = business.do(generate_invoices, subscription_id, now=APRIL)
    assert made
    [draft] = made

    drafted = report(business, APRIL)
    assert drafted.generator.status is Health.HEALTHY
    assert drafted.generator.last_run == APRIL
    assert drafted.finalizer.next_run_time == APRIL + HOUR
    assert report(business, APRIL + 4 * HOUR).finalizer.status is Health.STALE

    with business.transactions.for_organization(business.organization_id) as session:
        due = DueInvoice(
            organization_id=business.organization_id, invoice_id=draft.id, due_at=APRIL + HOUR
        )
        finalize_due_invoices(session, [due], now=APRIL + HOUR)

    finalized = report(business, APRIL + 4 * HOUR)
    assert finalized.overall is Health.HEALTHY
    assert finalized.finalizer.last_run == APRIL + HOUR
    assert finalized.finalizer.next_run_time is None


def test_parked_bill_is_a_failure_of_its_step_until_it_is_settled(business: Shop) -> None:
    subscription_id = subscribe(business)
    close_first_period(business, subscription_id)
    park(business, subscription_id, "price_usage")

    parked = report(business, APRIL + 3 * HOUR)
    assert parked.generator.status is Health.WARNING
    assert parked.generator.consecutive_failures == 1
    assert parked.finalizer.consecutive_failures == 0

    with business.transactions.for_organization(business.organization_id) as session:
        skip_bill(session, business.organization_id, subscription_id, 0, reason="agreed", now=APRIL)
    assert report(business, APRIL).generator.consecutive_failures == 0


def test_work_of_test_clocks_is_never_overdue(business: Shop) -> None:
    with business.transactions.for_organization(business.organization_id) as session:
        clock = create_clock(session, business.organization_id, "Test", MARCH, now=MARCH)
    subscribe(business, test_clock_id=clock.id)

    found = report(business, APRIL + timedelta(days=365))

    assert found.generator.next_run_time is None
    assert found.overall is Health.UNKNOWN


@pytest.mark.parametrize(
    ("parked", "expected"),
    [
        (0, Health.HEALTHY),
        (1, Health.WARNING),
        (2, Health.WARNING),
        (3, Health.CRITICAL),
        (4, Health.CRITICAL),
    ],
)
def test_third_failure_is_critical(parked: int, expected: Health) -> None:
    facts = WorkFacts(next_due_at=None, last_done_at=MARCH, parked=parked)

    assert judge(facts, now=APRIL).status is expected


def test_the_worse_worker_decides() -> None:
    good = judge(WorkFacts(next_due_at=None, last_done_at=MARCH, parked=0), now=APRIL)
    stale = judge(WorkFacts(next_due_at=MARCH, last_done_at=MARCH, parked=1), now=APRIL)

    assert WorkReport(generator=good, finalizer=stale, workflows_woken=0).overall is Health.STALE
    assert WorkReport(generator=stale, finalizer=good, workflows_woken=0).overall is Health.STALE


def test_repaired_workflows_are_counted_over_all_checks(business: Shop) -> None:
    subscribe(business)
    for hours in (1, 2):
        now = NOW + hours * HOUR
        with business.transactions.for_organization(business.organization_id) as session:
            session.exec(delete(OutboxMessage))
            found = coverage.check_coverage(session, business.organization_id, set(), now=now)
            coverage.repair(session, business.organization_id, found, now=now)

    assert report(business, NOW + 3 * HOUR).workflows_woken == 2
