"""From an event to its invoice, its webhook and its mail, by traces that a collector received.

What docs/operators/tracing.md says.
``fluxrate up`` for real: the API, a worker and the relays are processes of their own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from runtime.embedded.processes import wait_until
from runtime.observability.identities import bill_id
from runtime.temporal import connect
from tests.cli.running import RunningInstance
from tests.mail_servers import serving
from tests.observability.collector import Collector, Seen, collecting
from tests.receivers import receiving
from tests.scenarios.account import Account

CANARY = "zqcanaryqz"
KEY = "3f1c0a9e" * 4
PATIENCE_SECONDS = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What was sold, and what the collector knows of it."""

    collector: Collector
    event_id: str
    invoice_id: str
    subscription_id: str
    histories: dict[str, bytes]

    @property
    def bill(self) -> str:
        """The id of the trace in which the period was billed."""
        return bill_id(UUID(self.subscription_id), 0).hex

    def one(self, name: str, trace_id: str) -> Seen:
        """The only span of a name in a trace."""
        found = {one.span_id: one for one in self.collector.of_trace(trace_id) if one.name == name}
        [only] = found.values()
        return only


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """An installation that traces; one event of a customer is billed, told of and mailed."""
    running = RunningInstance(tmp_path_factory.mktemp("traced"))
    with collecting() as collector, receiving() as receiver, serving() as mail_server:
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "FLUXRATE_ALLOW_PRIVATE_WEBHOOKS": "true",
            "FLUXRATE_TEMPORAL_CODEC_KEYS": KEY,
        }
        os.environ.update(settings)
        try:
            running.up()
            sold = sell(running, receiver.url, mail_server.settings)
            assert wait_until(
                lambda: (
                    {"deliver webhooks", "deliver mails"}
                    <= {one.name for one in collector.of_trace(sold["invoice_id"])}
                ),
                timeout_seconds=PATIENCE_SECONDS,
            ), sorted({one.name for one in collector.spans()})
            histories = read_histories(running.addresses.temporal_address)
            yield Story(collector=collector, histories=asyncio.run(histories), **sold)
        finally:
            for name in settings:
                del os.environ[name]
            running.clean_up()


def sell(running: RunningInstance, hook: str, smtp: dict[str, Any]) -> dict[str, str]:
    account = Account(running.addresses.api_url.removesuffix("/api/v1")).sign_up(CANARY)
    account.patch("/organization", smtp)
    account.post("/webhook-endpoints", {"url": hook, "events": ["invoice.finalized"]})
    meter = account.create_meter()["meter"]
    plan = account.create_plan()
    account.add_usage_charge(plan, meter["id"])
    clock = account.create_clock()
    customer = account.create_customer(clock=clock, name=CANARY, email=f"{CANARY}@{CANARY}.test")
    subscription = account.subscribe(customer, plan)
    account.advance(clock, "2025-01-15T00:00:00Z")
    event = account.track("api_calls", "acct_77", 4000, "2025-01-10T00:00:00Z", f"{CANARY}-1")
    account.advance(clock, "2025-02-01T02:00:00Z")
    invoice = account.invoices(subscription)[0]
    return {
        "event_id": event["id"],
        "invoice_id": invoice["id"],
        "subscription_id": subscription["id"],
    }


async def read_histories(address: str) -> dict[str, bytes]:
    """What Temporal keeps of each workflow."""
    client = await connect(address)
    return {
        one.id: b"".join(
            event.SerializeToString()
            for event in (await client.get_workflow_handle(one.id).fetch_history()).events
        )
        async for one in client.list_workflows()
    }


def test_event_has_the_trace_of_its_own_id_linked_with_its_request(story: Story) -> None:
    accepted = story.one("usage event accepted", story.event_id)
    [request] = [
        one
        for one in story.collector.spans()
        if story.event_id.replace("-", "") in one.linked and one.service == "fluxrate-api"
    ]

    assert accepted.parent_id == ""
    assert accepted.linked == {request.trace_id}
    assert request.name == "POST /api/v1/usage"
    assert request.attributes["http.response.status_code"] == 201
    assert request.attributes["fluxrate.request_id"].startswith("req_")


def test_bill_leads_back_to_the_event_and_on_to_the_invoice(story: Story) -> None:
    steps = [one.name for one in story.collector.of_trace(story.bill)]
    measured = story.one("query_usage", story.bill)
    issued = story.one("issue_invoice", story.bill)
    invoice = story.one("invoice issued", story.invoice_id)

    assert {"bill of a period", "aggregate_usage", "price_usage", "enforce_limits"} <= set(steps)
    assert story.event_id.replace("-", "") in measured.linked
    assert story.invoice_id.replace("-", "") in issued.linked
    assert invoice.linked == {story.bill}
    assert measured.service == "fluxrate-worker"
    assert story.one("bill of a period", story.bill).span_id == measured.parent_id


def test_webhook_and_mail_are_in_the_trace_of_the_invoice(story: Story) -> None:
    invoice = story.one("invoice issued", story.invoice_id)

    for name in ("deliver webhooks", "deliver mails"):
        assert story.one(name, story.invoice_id).parent_id == invoice.span_id


def test_request_goes_on_into_the_workflow_and_its_first_step(story: Story) -> None:
    [request] = story.collector.named("POST /api/v1/subscriptions")
    woken = story.one("wake workflow", request.trace_id)
    looked = [
        one for one in story.collector.of_trace(request.trace_id) if one.name == "read_agenda"
    ]

    assert woken.parent_id == request.span_id
    assert woken.span_id in {one.parent_id for one in looked}
    assert {one.service for one in looked} == {"fluxrate-worker"}


def test_statements_of_a_request_are_its_children(story: Story) -> None:
    [request] = story.collector.named("POST /api/v1/subscriptions")
    statements = [
        one
        for one in story.collector.of_trace(request.trace_id)
        if one.attributes.get("db.system.name") == "postgresql"
    ]

    assert request.span_id in {one.parent_id for one in statements}
    assert "INSERT subscription" in {one.name for one in statements}


def test_no_span_holds_what_people_sent(story: Story) -> None:
    for body in story.collector.bodies:
        assert CANARY.encode() not in body.lower()


def test_all_this_went_through_sealed_histories(story: Story) -> None:
    history = story.histories[f"subscription/{story.subscription_id}"]

    assert history.count(b"binary/encrypted") > 10
    assert b"Until " not in history  # what the Web UI shows of a timer
    assert b"windows of usage" not in history  # what a step answers, in the clear elsewhere
