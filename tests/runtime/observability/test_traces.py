"""Spans as a process makes them: whose trace, which links, and nothing that people sent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text
from starlette.middleware import Middleware
from temporalio.worker import Replayer

from api.app import create_app
from api.context import AppContext
from api.transport.envelope import route_of
from models.accounts.organizations import Organization
from models.base import new_id
from repositories.outbox import WAKE_MESSAGE, WEBHOOK_MESSAGE, NewMessage, insert_messages
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.observability.identities import (
    bill_id,
    context_of,
    read_traceparent,
    write_traceparent,
)
from runtime.observability.requests import TracedRequests
from runtime.observability.statements import summary_of
from runtime.observability.switch import begin_traces
from runtime.observability.traces import MOST_LINKED_EVENTS, Traces
from runtime.payloads.converter import DATA_CONVERTER
from runtime.security import Security
from runtime.settings import Settings
from services.ingestion.submissions import EventResult, EventStatus
from services.operations.outbox import AnyMessage, deliver_wake_messages
from tests import passwords
from tests.api.people import Clock, Person
from tests.workflows.test_replay import RECORDED, load
from workflows.payment import PaymentWorkflow
from workflows.subscription import SubscriptionWorkflow

CANARY = "zqcanaryqz"
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Kept:
    """Traces whose spans stay in memory."""

    def __init__(self, share: float = 1.0) -> None:
        self.exporter = InMemorySpanExporter()
        self.traces = Traces("api", SimpleSpanProcessor(self.exporter), share=share)

    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        [found] = [one for one in self.spans() if one.name == name]
        return found


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def traced(kept: Kept, database_url: str) -> Iterator[Person]:
    """Somebody who talks to an application that traces."""
    engine = create_application_engine(database_url, pool_size=4)
    kept.traces.watch(engine)
    context = AppContext(
        transactions=Transactions(engine, kept.traces.carried),
        security=Security("a secret that only tests know, long enough", passwords=passwords.QUICK),
        now=Clock(),
        trace_events=kept.traces.accept_events,
        transaction_seconds=60,
    )
    around = [Middleware(TracedRequests, traces=kept.traces, route_of=route_of)]
    app = create_app(context, around=around)

    @app.get("/breaks/{secret}")
    def break_down(secret: str) -> None:
        raise RuntimeError(f"{CANARY} {secret}")

    with Person(app) as person:
        yield person
    engine.dispose()


def test_process_that_does_not_trace_loads_nothing_for_it() -> None:
    program = """
import sys
import worker, cli.composition
from runtime.observability.switch import begin_traces
from runtime.settings import Settings
assert begin_traces(Settings(_env_file=None), "worker") is None
print([name for name in sys.modules if name.startswith("opentelemetry.sdk")])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_process_without_the_extra_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    settings = Settings(_env_file=None, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318")

    with pytest.raises(SystemExit, match="fluxrate\\[otel\\]"):
        begin_traces(settings, "api")


def test_request_is_named_by_its_route_and_holds_nothing_sent(kept: Kept, traced: Person) -> None:
    traced.get(
        f"/api/v1/customers/{CANARY}?q={CANARY}",
        headers={"X-API-Key": CANARY, "User-Agent": CANARY, "Cookie": f"a={CANARY}"},
    )

    span = kept.named("GET /api/v1/customers/{customer_id}")
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 422
    assert CANARY not in span.to_json()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/status"])
def test_probes_are_not_traced(kept: Kept, traced: Person, path: str) -> None:
    traced.get(path)

    assert kept.spans() == ()


def test_error_is_its_class_and_no_word_of_its_message(kept: Kept, traced: Person) -> None:
    assert traced.get("/breaks/x").status_code == 500

    span = kept.named("GET /breaks/{secret}")
    assert span.status.is_ok is False
    assert CANARY not in span.to_json()

    with suppress(ValueError), kept.traces.span("step"):
        raise ValueError(CANARY)
    assert kept.named("step").attributes == {"error.type": "ValueError"}
    assert CANARY not in kept.named("step").to_json()


def test_trace_of_a_caller_goes_on(kept: Kept, traced: Person) -> None:
    traced.get("/api/v1/plans", headers={"traceparent": CALLER})

    span = kept.named("GET /api/v1/plans")
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == CALLER.split("-")[1]
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == CALLER.split("-")[2]


@pytest.mark.parametrize("shown", ["", "x", f"00-{'0' * 32}-{'0' * 16}-01", CALLER.upper(), "é"])
def test_unreadable_trace_of_a_caller_is_passed_over(shown: str) -> None:
    assert read_traceparent(shown) is None


def test_callers_cannot_have_more_kept_than_the_share() -> None:
    none_kept = Kept(share=0.0)
    place = read_traceparent(CALLER)
    assert place is not None

    with none_kept.traces.waking(CALLER):
        assert Traces.current() is None

    assert none_kept.spans() == ()


def test_every_process_keeps_the_same_share() -> None:
    one, other = Kept(share=0.25).traces, Kept(share=0.25).traces
    ids = [new_id() for _ in range(4000)]

    shares = [one.keeps(record_id) for record_id in ids]

    assert shares == [other.keeps(record_id) for record_id in ids]
    assert 800 < sum(shares) < 1200


def test_thing_has_the_trace_of_its_id() -> None:
    record_id = uuid4()

    assert UUID(int=context_of(record_id).trace_id) == record_id
    assert context_of(record_id) == context_of(record_id)
    assert read_traceparent(write_traceparent(context_of(record_id))) == context_of(record_id)
    assert bill_id(record_id, 0) != bill_id(record_id, 1)


def test_batch_links_to_a_few_of_its_events(kept: Kept) -> None:
    results = [
        EventResult(status=EventStatus.CREATED, event_id=str(new_id())) for _ in range(50)
    ] + [EventResult(status=EventStatus.DUPLICATE, event_id=str(new_id()))]

    with kept.traces.span("request"):
        kept.traces.accept_events(results)

    accepted = [one for one in kept.spans() if one.name == "usage event accepted"]
    assert len(accepted) == len(kept.named("request").links) == MOST_LINKED_EVENTS


def test_wake_names_the_span_that_queued_it_and_a_webhook_does_not(
    kept: Kept, database_url: str
) -> None:
    engine = create_application_engine(database_url, pool_size=1)
    transactions = Transactions(engine, kept.traces.carried)
    organization_id, now = _organization(transactions), Clock()()
    sent: list[AnyMessage] = []

    with (
        kept.traces.span("request"),
        transactions.for_organization(organization_id) as session,
    ):
        place = Traces.current()
        ids = {"subscription_id": str(uuid4())}
        for kind in (WAKE_MESSAGE, WEBHOOK_MESSAGE):
            message = NewMessage(organization_id=organization_id, payload=ids)
            insert_messages(session, kind, [message], now=now)
        webhook = session.execute(
            text("SELECT payload FROM outbox_message WHERE kind = 'webhook'")
        ).scalar_one()

    def send(messages: Sequence[AnyMessage]) -> list[bool]:
        sent.extend(messages)
        return [True for _ in messages]

    deliver_wake_messages(transactions, send, now=now)
    engine.dispose()
    assert webhook == ids
    assert [one.traceparent for one in sent] == [place]


def _organization(transactions: Transactions) -> UUID:
    organization = Organization(name="Lumen", slug=str(uuid4()), created_at=Clock()())
    with transactions.for_organization(organization.id) as session:
        session.add(organization)
    return organization.id


def test_statement_has_its_text_without_what_it_is_given(kept: Kept, database_url: str) -> None:
    engine = create_application_engine(database_url, pool_size=1)
    kept.traces.watch(engine)
    with kept.traces.span("request"), engine.connect() as connection:
        connection.execute(text(f"SELECT '{CANARY}', CAST(:x AS text)"), {"x": CANARY})
        with suppress(Exception):
            connection.execute(text("SELECT CAST(:x AS uuid) FROM invoice"), {"x": CANARY})
    with engine.connect() as connection:
        connection.execute(text("SELECT 2"))
    engine.dispose()

    good, bad, request = kept.spans()
    assert good.attributes is not None
    assert good.attributes["db.query.text"] == "SELECT '?', CAST(%(x)s AS text)"
    assert (bad.name, bad.status.is_ok) == ("SELECT invoice", False)
    assert good.parent == bad.parent == request.context
    assert not any(CANARY in one.to_json() for one in kept.spans())


@pytest.mark.parametrize(
    ("statement", "summary"),
    [
        ("INSERT INTO invoice (id) VALUES (1)", "INSERT invoice"),
        ("update period set x = 1", "UPDATE period"),
        ("BEGIN", "BEGIN"),
        ("", "SQL"),
    ],
)
def test_statement_is_summed_up_by_verb_and_table(statement: str, summary: str) -> None:
    assert summary_of(statement) == summary


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_recorded_history_replays_where_workflows_pass_on_who_woke_them(
    kept: Kept, path: Any
) -> None:
    replayer = Replayer(
        workflows=[SubscriptionWorkflow, PaymentWorkflow],
        data_converter=DATA_CONVERTER,
        interceptors=[kept.traces.of_temporal()],
    )

    await replayer.replay_workflow(load(path))

    assert kept.spans() == ()
