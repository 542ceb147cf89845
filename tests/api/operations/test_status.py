"""What operators are shown, to whom, and that nothing in it names anybody."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from api.app import create_app
from api.context import AppContext
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.operations.checks import Round, keep_round
from tests.api.people import Clock, Person

TOKEN = "a token of the operator's, long enough"
BASIC = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()


@pytest.fixture
def transactions(database_url: str) -> Iterator[Transactions]:
    """What checks came to is the installation's, so that each test has one of its own."""
    engine = create_application_engine(database_url)
    yield Transactions(engine)
    engine.dispose()


@pytest.fixture
def guarded(context: AppContext) -> Person:
    """A visitor of an installation that has an operator's token."""
    return Person(create_app(replace(context, operator_token=TOKEN)))


def check_round(context: AppContext, **values: object) -> None:
    with context.transactions.for_organizations([]) as session:
        keep_round(session, Round(**values), now=context.now())  # type: ignore[arg-type]  # by name


def test_status_says_what_holds_when_and_how_to_prove_it(
    context: AppContext, visitor: Person
) -> None:
    check_round(context, subscriptions=7, recomputed=100)

    status = visitor.get("/status").json()

    assert status["status"] == "holds"
    assert [one["name"] for one in status["invariants"]] == [
        "books_balance",
        "credit_adds_up",
        "periods_tile",
        "billed_once",
        "numbers_have_no_gap",
        "receipts_chain",
        "audit_log_chains",
        "owners_run",
        "invoices_recompute",
    ]
    assert status["invariants"][5] == {
        "name": "receipts_chain",
        "says": "Every issued invoice has its receipt, and the chain has all of them.",
        "status": "holds",
        "checked_at": "2026-03-02T08:00:00Z",
        "examined": 7,
        "findings": {},
        "proof": "fluxrate invoices verify --all",
    }
    assert status["invariants"][8]["examined"] == 100


def test_finding_is_shown_in_status_and_metrics(context: AppContext, visitor: Person) -> None:
    check_round(context, findings=Counter({"gap": 2}), flaws=Counter({"plan_changed": 1}))

    status = visitor.get("/status").json()
    metrics = visitor.get("/metrics").text

    assert status["status"] == "broken"
    assert status["invariants"][2]["findings"] == {"gap": 2}
    for line in (
        'fluxrate_coverage_findings{kind="gap"} 2.0',
        'fluxrate_coverage_findings{kind="receipt_missing"} 0.0',
        'fluxrate_verify_differences{fault="plan_changed"} 1.0',
        'fluxrate_invariant_broken{invariant="periods_tile"} 1.0',
        'fluxrate_invariant_broken{invariant="owners_run"} 0.0',
        'fluxrate_check_timestamp_seconds{check="coverage"} 1.7724384e+09',
    ):
        assert f"\n{line}\n" in metrics


def test_browser_is_shown_a_page(context: AppContext, visitor: Person) -> None:
    check_round(context, findings=Counter({"gap": 2}))

    page = visitor.get("/status", headers={"Accept": "text/html,application/xhtml+xml"})

    assert page.headers["content-type"].startswith("text/html")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "Something is broken" in page.text
    assert "broken: 2 gap" in page.text
    assert "fluxrate invoices verify --all" in page.text


def test_what_nobody_looked_at_yet_says_when_somebody_will(visitor: Person) -> None:
    page = visitor.get("/status", headers={"Accept": "text/html"})

    assert "<td>never; the first check comes within the hour</td>" in page.text


def test_nobody_knows_where_nobody_has_looked_lately(
    context: AppContext, clock: Clock, visitor: Person
) -> None:
    check_round(context)
    clock.advance(hours=3)

    assert visitor.get("/status").json()["status"] == "unknown"


@pytest.mark.parametrize("path", ["/status", "/metrics"])
@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer wrong", "Basic !", "Basic d3Jvbmc=", f"Digest {TOKEN}"],
)
def test_without_the_operators_token_nothing_is_shown(
    guarded: Person, path: str, authorization: str
) -> None:
    answer = guarded.get(path, headers={"Authorization": authorization})

    assert answer.status_code == 401
    assert answer.json()["code"] == "operator_token_required"
    assert "fluxrate_" not in answer.text


@pytest.mark.parametrize("path", ["/status", "/metrics"])
@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Basic {BASIC}"])
def test_operators_token_shows_it(guarded: Person, path: str, authorization: str) -> None:
    assert guarded.get(path, headers={"Authorization": authorization}).status_code == 200


def test_browser_is_asked_for_the_token(guarded: Person) -> None:
    answer = guarded.get("/status", headers={"Accept": "text/html"})

    assert answer.headers["www-authenticate"].startswith("Basic")


METER = {
    "name": "Render minutes",
    "lookup_key": "render_minutes",
    "type": "meter",
    "meter_name": "render_minutes",
    "property_name": "minutes",
    "aggregation_type": "SUM",
}


def test_events_are_counted_by_what_became_of_them(owner: Person, visitor: Person) -> None:
    assert owner.post("/api/v1/features", json=METER).status_code == 201
    key = {"X-API-Key": owner.make_key("usage.write")}
    before = counted(visitor)
    event = {
        "customer_external_id": "acct_1",
        "meter_name": "render_minutes",
        "quantity": 1,
        "idempotency_key": "one",
    }

    answer = visitor.post("/api/v1/usage/batch", json=[event, event, {}], headers=key)

    assert answer.status_code == 200, answer.text
    after = counted(visitor)
    assert after - before == {"accepted": 1, "duplicate": 1, "refused": 1}


def counted(visitor: Person) -> Counter[str]:
    lines = visitor.get("/metrics").text.splitlines()
    head = 'fluxrate_events_total{result="'
    found = (line.removeprefix(head).split('"} ') for line in lines if line.startswith(head))
    return Counter({result: int(float(figure)) for result, figure in found})


def test_metrics_without_the_database_are_those_of_the_process(context: AppContext) -> None:
    engine = create_application_engine("postgresql://nobody@127.0.0.1:1/nowhere")
    alone = Person(create_app(replace(context, transactions=Transactions(engine))))

    metrics = alone.get("/metrics")

    assert metrics.status_code == 200
    assert "fluxrate_events_total" in metrics.text
    assert "fluxrate_oldest_unbilled_period_seconds" not in metrics.text
    assert alone.get("/status").status_code == 503
