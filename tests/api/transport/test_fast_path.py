"""The routes in front of the framework behave like those behind it."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from api.context import state_of
from tests.api.people import Person
from tests.api.sold import V1, sell

ENTITLEMENT = f"{V1}/customers/acct_77/entitlements/api_calls"
FRONT = [
    ("POST", f"{V1}/sdk/track"),
    ("POST", f"{V1}/usage"),
    ("POST", f"{V1}/usage/batch"),
    ("GET", f"{V1}/customers/acct_77/entitlements"),
    ("GET", ENTITLEMENT),
]
PATHS = [path for _, path in FRONT]


@pytest.mark.parametrize(("method", "path"), FRONT)
def test_answer_in_front_has_an_id_and_the_safe_headers(
    visitor: Person, method: str, path: str
) -> None:
    in_front = visitor.request(method, path, headers={"X-Request-Id": "trace-4711"})
    behind = visitor.get(f"{V1}/plans", headers={"X-Request-Id": "trace-4711"})

    assert (in_front.status_code, in_front.json()["code"]) == (401, "credentials_missing")
    assert in_front.json() == behind.json() | {"instance": path}
    assert in_front.headers == behind.headers | {
        "content-length": in_front.headers["content-length"]
    }


ALLOWED = ["POST", "GET, HEAD, POST", "POST", "GET, HEAD", "GET, HEAD"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(("path", "allowed"), list(zip(PATHS, ALLOWED, strict=True)))
def test_other_methods_are_refused_by_the_framework(
    visitor: Person, method: str, path: str, allowed: str
) -> None:
    answer = visitor.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    assert answer.headers["X-Request-Id"]


def test_head_in_front_is_a_get_without_its_body(owner: Person) -> None:
    sell(owner)
    answer, shown = owner.head(ENTITLEMENT), owner.get(ENTITLEMENT)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(shown.content))
    assert owner.head(f"{V1}/sdk/track").status_code == 405
    counted = owner.get("/metrics").text
    assert 'method="HEAD",route="/api/v1/customers/{customer_id}/entitlements/{lookup_key}"' in (
        counted
    )


@pytest.mark.parametrize("path", PATHS[:3])
def test_unsafe_request_from_elsewhere_is_refused_in_front(owner: Person, path: str) -> None:
    answer = owner.post(path, json={}, headers={"Origin": "https://evil.test"})

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request")


def test_unexpected_failure_in_front_says_nothing_about_the_inside(
    owner: Person, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold = sell(owner)
    with capture_logs() as logs, monkeypatch.context() as patched:
        patched.setattr(state_of(app).batched_checks, "ask", None)
        patched.setattr(state_of(app).usage_writer, "submit", None)
        checked, used = owner.get(ENTITLEMENT), sold.use(1)

    for answer in (checked, used):
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
        assert "NoneType" not in answer.text
    assert [entry["event"] for entry in logs] == ["unexpected_error", "request_answered"] * 2


def test_nul_in_the_address_is_refused_in_front(owner: Person) -> None:
    for path in (f"{V1}/customers/a%00b/entitlements/calls", f"{ENTITLEMENT}?at=%00"):
        answer = owner.get(path)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_text")


def test_route_in_front_is_counted_by_its_template_whatever_the_customer_is_called(
    owner: Person,
) -> None:
    owner.get(f"{V1}/customers/entitlements/entitlements/entitlements")

    counted = owner.get("/metrics").text
    assert (
        'method="GET",route="/api/v1/customers/{customer_id}/entitlements/{lookup_key}",'
        'status="404"' in counted
    )
