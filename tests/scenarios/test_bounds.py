"""However much is missed or waits, workflows live on, requests are short, and all is billed."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from models.invoicing.invoices import Invoice
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.subscription_workflows import SubscriptionWorkflows
from runtime.temporal import connect
from services.operations import coverage
from tests.scenarios.account import Account
from tests.scenarios.product import Product
from tests.stopwatch import Stopwatch
from workflows.names import subscription_workflow_id

LARGEST_PAYLOAD = 64 * 1024
DEADLINE_SECONDS = 300.0


def subscribe_daily(
    account: Account, *, missed: int, customers: int = 1, plan_name: str = "daily"
) -> list[dict[str, Any]]:
    """Customers on one clock with a daily plan of 1.00 and so many days behind them."""
    plan = account.create_plan(plan_name, type="FIXED", billing_interval="day")
    charge = {"type": "FIXED", "unit_price": Decimal(1), "display_name": "Day"}
    account.post(f"/plans/{plan['id']}/charges", charge)
    clock = account.create_clock("2026-06-01T00:00:00Z")
    start = datetime(2026, 6, 1, tzinfo=UTC) - timedelta(days=missed)
    return [
        account.subscribe(
            account.create_customer(f"{plan_name}_{number}", clock=clock), plan, start.isoformat()
        )
        for number in range(customers)
    ]


def wait_until(what: str, is_so: Any) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"still waiting until {what}"
        time.sleep(0.3)


def count_invoices(account: Account, subscription: dict[str, Any]) -> int:
    found = account.get(f"/invoices?subscription_id={subscription['id']}&page_size=1")
    return int(found["meta"]["total"])


def with_temporal(product: Product, work: Any) -> Any:
    """What the work gives of a client of the product's engine."""

    async def run() -> Any:
        assert product.settings.temporal_address
        return await work(await connect(product.settings.temporal_address))

    return asyncio.run(run())


async def largest_event(client: Client, subscription_id: str) -> int:
    """The size of the largest event in the histories of a workflow's runs."""
    largest = 0
    query = f"WorkflowId = '{subscription_workflow_id(subscription_id)}'"
    async for run in client.list_workflows(query):
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        async for event in handle.fetch_history_events():
            largest = max(largest, event.ByteSize())
    return largest


@pytest.fixture
def daily(account: Account) -> dict[str, Any]:
    """Daily from 1 January 2024, on a clock at 1 June 2026."""
    [subscription] = subscribe_daily(account, missed=882)
    return subscription


@pytest.mark.skipif("FLUXRATE_CHAOS" not in os.environ, reason="takes minutes: make chaos")
def test_daily_plan_of_882_missed_days_is_billed_882_times(
    account: Account, daily: dict[str, Any], product: Product
) -> None:
    wait_until("all days are billed", lambda: count_invoices(account, daily) == 882)

    wait_until("nothing is left", lambda: account.get("/audit/coverage")["findings"] == [])
    size = with_temporal(product, lambda client: largest_event(client, daily["id"]))
    assert 0 < size < LARGEST_PAYLOAD


def test_subscription_with_a_thousand_open_invoices_lives_on(
    account: Account, product: Product
) -> None:
    [subscription] = subscribe_daily(account, missed=0)
    open_a_thousand_invoices(account, product, subscription)

    clock = {"id": subscription["test_clock_id"]}
    account.advance(clock, "2026-06-02T12:00:00Z")

    assert count_invoices(account, subscription) == 1001
    size = with_temporal(product, lambda client: largest_event(client, subscription["id"]))
    assert 0 < size < LARGEST_PAYLOAD


def open_a_thousand_invoices(
    account: Account, product: Product, subscription: dict[str, Any]
) -> None:
    """As many bills of earlier periods wait for their payment, which is due in a year."""
    assert product.settings.database_url
    engine = create_application_engine(product.settings.database_url)
    due = datetime(2027, 6, 1, tzinfo=UTC)
    with Transactions(engine).for_organization(UUID(account.organization["id"])) as session:
        for number in range(1000):
            session.add(
                Invoice(
                    organization_id=UUID(account.organization["id"]),
                    customer_id=UUID(subscription["customer_id"]),
                    subscription_id=UUID(subscription["id"]),
                    kind="manual",
                    status="OPEN",
                    invoice_number=f"OLD-{number}",
                    currency="USD",
                    subtotal=Decimal(1),
                    tax=Decimal(0),
                    total=Decimal(1),
                    amount_due=Decimal(1),
                    amount_paid=Decimal(0),
                    tax_status="none",
                    timezone="UTC",
                    issue_date=due,
                    due_date=due + timedelta(minutes=number),
                    created_at=due,
                )
            )
    engine.dispose()


def test_closing_invoice_is_in_the_list_when_cancel_has_answered(account: Account) -> None:
    [subscription] = subscribe_daily(account, missed=3)

    path = f"/subscriptions/{subscription['id']}/cancel"
    answer = account.post(path, {"cancel_at_period_end": False}, expect=200)

    assert answer["pending_change"] is None
    assert len(account.invoices(subscription)) == 3


def test_cancel_beyond_what_a_request_bills_is_pending_and_then_done(account: Account) -> None:
    [subscription] = subscribe_daily(account, missed=60)
    path = f"/subscriptions/{subscription['id']}"

    answer = account.post(f"{path}/cancel", {"cancel_at_period_end": False}, expect=202)
    assert answer["pending_change"]["action"] == "cancel"

    wait_until("it is canceled", lambda: account.get(path)["status"] == "CANCELED")
    assert account.get(path)["pending_change"] is None
    assert count_invoices(account, subscription) == 60


def test_customer_with_many_long_backdated_subscriptions_is_deleted_within_five_seconds(
    account: Account,
) -> None:
    [first] = subscribe_daily(account, missed=45)
    others = []
    for number in range(3):
        plan = account.create_plan(f"other_{number}", type="FIXED", billing_interval="day")
        customer = {"id": first["customer_id"]}
        others.append(account.subscribe(customer, plan, "2026-04-17T00:00:00Z"))
    watch = Stopwatch()

    answer = account.request("DELETE", f"/customers/{first['customer_id']}", expect=202)

    assert watch.seconds() < 5
    assert answer["pending_change"]["action"] == "delete"
    for subscription in (first, *others):
        wait_until("45 bills", lambda one=subscription: count_invoices(account, one) == 45)
    wait_until(
        "all are hidden",
        lambda: account.get("/subscriptions")["meta"]["total"] == 0,
    )


def test_workflow_that_was_terminated_is_started_again_by_the_check(
    account: Account, product: Product
) -> None:
    [subscription] = subscribe_daily(account, missed=2)
    wait_until("it is billed", lambda: count_invoices(account, subscription) == 2)
    workflow_id = subscription_workflow_id(subscription["id"])

    async def status(client: Client) -> WorkflowExecutionStatus | None:
        return (await client.get_workflow_handle(workflow_id).describe()).status

    async def terminate(client: Client) -> None:
        await client.get_workflow_handle(workflow_id).terminate("an operator's mistake")

    async def find(client: Client) -> set[UUID]:
        workflows = SubscriptionWorkflows(client, task_queue=product.settings.task_queue)
        return await workflows.find_running(UUID(account.organization["id"]))

    with_temporal(product, terminate)
    wait_until("its end is seen", lambda: with_temporal(product, find) == set())
    check(product, UUID(account.organization["id"]))

    running = WorkflowExecutionStatus.RUNNING
    wait_until("its workflow runs", lambda: with_temporal(product, status) == running)


def check(product: Product, organization_id: UUID) -> None:
    """What the hourly check does later for an organization, none of whose workflows runs."""
    assert product.settings.database_url
    engine = create_application_engine(product.settings.database_url)
    transactions, now = Transactions(engine), datetime.now(UTC)
    # By then no workflow is new, or was seen at work a moment ago.
    later = now + timedelta(minutes=2)
    with transactions.for_organization(organization_id) as session:
        found = coverage.check_coverage(session, organization_id, set(), now=later)
        # Queued at once: what is queued for later is delivered later.
        woken = coverage.repair(session, organization_id, found, now=now)
    engine.dispose()
    assert ([one.kind for one in found.findings], woken) == (["missing_owner"], 1)
