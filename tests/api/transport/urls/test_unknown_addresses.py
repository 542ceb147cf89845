"""An address that leads nowhere: 404, and the route that was probably meant."""

from __future__ import annotations

import time

import pytest

from tests.api.people import Person

V1 = "/api/v1"
ANY = "0196f2a1-7c3e-7d52-9a41-5b8f0c2d7e10"


@pytest.mark.parametrize(
    ("method", "path", "near"),
    [
        ("GET", f"{V1}/customer", f"GET {V1}/customers"),
        ("POST", f"{V1}/customer", f"POST {V1}/customers"),
        ("POST", f"{V1}/customers/", f"POST {V1}/customers"),
        ("GET", "/customers", f"GET {V1}/customers"),
        ("POST", "/usage", f"POST {V1}/usage"),
        ("POST", f"{V1}/events/batch", f"POST {V1}/usage/batch"),
        ("POST", f"{V1}/invoices/{ANY}/void", f"PATCH {V1}/invoices/{{invoice_id}}/status"),
        ("POST", f"{V1}/invoices/{ANY}/finalise", f"POST {V1}/invoices/{{invoice_id}}/finalize"),
        (
            "POST",
            f"{V1}/subscriptions/{ANY}/upgrade",
            f"POST {V1}/subscriptions/{{subscription_id}}/change-plan",
        ),
        ("GET", f"{V1}/plan/payg", f"GET {V1}/plans/{{plan_id}}"),
    ],
)
def test_the_route_that_was_meant_is_told(
    visitor: Person, method: str, path: str, near: str
) -> None:
    answer = visitor.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["did_you_mean"] == near
    assert answer.json()["detail"] == f"Nothing is at this address. Did you mean {near}?"


@pytest.mark.parametrize("path", ["/wp-login.php", f"{V1}/zebras", f"{V1}/invoices/{ANY}/xyzzy/q"])
def test_nothing_is_guessed_where_nothing_is_near(visitor: Person, path: str) -> None:
    answer = visitor.get(path)

    assert answer.status_code == 404
    assert "did_you_mean" not in answer.json()
    assert answer.json()["detail"] == "Nothing is at this address."


def test_looking_for_it_costs_little(visitor: Person) -> None:
    paths = [f"{V1}/{'invoice' * 300}", "/api" + "/v1" * 1000, f"{V1}/invoicez/{ANY}/finalizx"]
    visitor.get(paths[0])

    started = time.process_time()
    for path in paths * 5:
        assert visitor.get(path).status_code == 404

    assert (time.process_time() - started) / 15 < 0.05
