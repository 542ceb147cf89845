"""What every request gets: an id, safe headers, a count, and an answer that gives nothing away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from api.app import create_app
from api.context import AppContext, state_of
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.security import Security
from tests.api.people import PASSWORD, Clock, Person

CANARY = "postgresql://operator:hunter2@db/secret"


@pytest.fixture(scope="module")
def shared_app(module_database_url: str, security: Security) -> Iterator[FastAPI]:
    """One application for all, with two routes that fail in their own ways."""
    engine = create_application_engine(module_database_url, pool_size=2)
    context = AppContext(transactions=Transactions(engine), security=security, now=Clock())
    app = create_app(context)

    @app.get("/breaks/{secret}")
    def break_down(secret: str) -> None:
        raise RuntimeError(f"{CANARY} {secret}")

    @app.get("/database-away")
    def lose_database() -> None:
        raise OperationalError("SELECT 1", {}, ConnectionError(CANARY))

    yield app
    engine.dispose()


@pytest.fixture
def anybody(shared_app: FastAPI) -> Person:
    """Somebody without credentials."""
    return Person(shared_app)


def test_request_without_an_id_gets_one_in_header_and_problem(anybody: Person) -> None:
    first, second = anybody.get("/api/v1/plans"), anybody.get("/api/v1/plans")

    assert first.status_code == 401
    assert first.headers["X-Request-Id"] == first.json()["request_id"]
    assert first.headers["X-Request-Id"].startswith("req_")
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_well_formed_id_of_the_caller_is_kept(anybody: Person) -> None:
    answer = anybody.get("/livez", headers={"X-Request-Id": "trace-2026.03_02"})

    assert answer.headers["X-Request-Id"] == "trace-2026.03_02"


@pytest.mark.parametrize("offered", ["short", "x" * 65, "with space inside", "line\tbreak-here"])
def test_malformed_id_of_the_caller_is_replaced(anybody: Person, offered: str) -> None:
    answer = anybody.get("/livez", headers={"X-Request-Id": offered})

    assert answer.headers["X-Request-Id"] != offered


@pytest.mark.parametrize("path", ["/livez", "/api/v1/plans", "/nowhere", "/breaks/x"])
def test_every_answer_carries_the_safe_headers(anybody: Person, path: str) -> None:
    headers = anybody.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers.get_list("Content-Security-Policy") == [headers["Content-Security-Policy"]]
    assert "Strict-Transport-Security" not in headers
    assert "Server" not in headers


def test_encrypted_answer_asks_for_encryption_from_now_on(shared_app: FastAPI) -> None:
    answer = Person(shared_app).get("https://testserver/livez")

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_hosts_below_are_asked_too_where_the_operator_says_so(shared_app: FastAPI) -> None:
    context = replace(
        state_of(shared_app).context, has_subdomains_encrypted=True, registry=CollectorRegistry()
    )
    person = Person(create_app(context))

    encrypted = person.get("https://testserver/livez")
    plain = person.get("/livez")

    assert encrypted.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "Strict-Transport-Security" not in plain.headers


def test_unexpected_failure_says_nothing_about_the_inside(anybody: Person) -> None:
    with capture_logs() as logs:
        answer = anybody.get("/breaks/path-secret")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "http://127.0.0.1:8000/errors/internal_error",
        "title": "Internal Server Error",
        "status": 500,
        "detail": answer.json()["detail"],
        "message": answer.json()["detail"],
        "instance": "/breaks/path-secret",
        "code": "internal_error",
        "request_id": answer.headers["X-Request-Id"],
    }
    assert "hunter2" not in answer.text
    assert [entry["event"] for entry in logs] == ["unexpected_error", "request_answered"]


@pytest.mark.parametrize("path", ["/api/v1/usage", "/api/v1/plans"])
def test_refused_credentials_are_logged_with_their_reason_on_busy_routes_too(
    anybody: Person, path: str
) -> None:
    with capture_logs() as logs:
        anybody.get(path, headers={"X-API-Key": "sk_live_zqcanaryqz"})

    [line] = [entry for entry in logs if entry["event"] == "request_answered"]
    assert (line["route"], line["status"], line["code"]) == (path, 401, "invalid_api_key")
    assert "zqcanaryqz" not in str(logs)


def test_logins_are_logged_by_the_persons_id(anybody: Person) -> None:
    anybody.sign_up()
    wrong = {"email": anybody.email, "password": "wrong-zqcanaryqz"}
    with capture_logs() as logs:
        anybody.post("/api/v1/auth/login", json=wrong)
        anybody.post("/api/v1/auth/login", json=wrong | {"email": "nobody@zqcanaryqz.example"})
        answer = anybody.post("/api/v1/auth/login", json=wrong | {"password": PASSWORD})

    told = [entry for entry in logs if entry["event"] in {"logged_in", "login_failed"}]
    user_id = answer.json()["user"]["id"]
    assert [(entry["event"], entry["user_id"]) for entry in told] == [
        ("login_failed", user_id),
        ("login_failed", None),
        ("logged_in", user_id),
    ]
    assert "zqcanaryqz" not in str(logs)
    assert anybody.email not in str(logs)


def test_absent_database_is_503_with_a_time_to_repeat(anybody: Person) -> None:
    answer = anybody.get("/database-away")

    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "hunter2" not in answer.text


def test_line_of_a_request_holds_its_route_and_not_its_path(anybody: Person) -> None:
    with capture_logs() as logs:
        anybody.get("/breaks/path-secret?token=query-secret", headers={"Cookie": "a=cookie-secret"})
        anybody.get("/nowhere/path-secret")

    lines = [entry for entry in logs if entry["event"] == "request_answered"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/breaks/{secret}", 500),
        ("GET", "unmatched", 404),
    ]
    assert "query-secret" not in str(logs)
    assert "cookie-secret" not in str(logs)
    assert "path-secret" not in str(lines)


def test_probes_are_counted_without_a_line(anybody: Person) -> None:
    with capture_logs() as logs:
        anybody.get("/livez")

    assert logs == []


def test_unknown_path_and_method_are_problem_documents(anybody: Person) -> None:
    nowhere, wrong = anybody.get("/api/v1/nowhere"), anybody.put("/livez")

    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in wrong.headers["Allow"]


def test_metrics_count_requests_by_route(anybody: Person) -> None:
    for identifier in ("1", "2"):
        anybody.get(f"/breaks/{identifier}")

    answer = anybody.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "/breaks/1" not in answer.text
    counted = [
        line
        for line in answer.text.splitlines()
        if line.startswith("fluxrate_http_requests_total{") and "/breaks/{secret}" in line
    ]
    assert len(counted) == 1
    assert float(counted[0].rpartition(" ")[2]) >= 2
    assert "process_resident_memory_bytes" in answer.text


def test_route_below_a_prefix_is_counted_with_it(anybody: Person) -> None:
    anybody.get("/api/v1/plans/0197f1c0-0000-7000-8000-000000000000")

    assert 'route="/api/v1/plans/{plan_id}",status="401"' in anybody.get("/metrics").text
