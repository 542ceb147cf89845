"""Credit is granted, shown as it stands, and every movement of it listed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import V1

TOKENS = {"code": "TOKENS", "name": "Tokens", "scale": 0}


@pytest.fixture
def customer_id(owner: Person) -> str:
    body = {"name": "Quay", "email": "quay@example.com", "billing_address_country": "DE"}
    answer = owner.post(f"{V1}/customers", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def grant(owner: Person, customer_id: str, **body: Any) -> dict[str, Any]:
    answer = owner.post(f"{V1}/customers/{customer_id}/grants", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_credit_in_a_unit_of_ones_own(owner: Person, customer_id: str) -> None:
    assert owner.post(f"{V1}/units", json=TOKENS).status_code == 201

    made = grant(owner, customer_id, unit="TOKENS", amount=1000, reason="welcome")

    assert (made["status"], made["rest"], made["kind"]) == ("active", 1000, "free")
    assert owner.get(f"{V1}/grants/{made['id']}").json() == made
    assert owner.get(f"{V1}/customers/{customer_id}/grants").json()["data"] == [made]
    balance = owner.get(f"{V1}/customers/{customer_id}/balance?unit=TOKENS").json()
    amounts = {name: balance[name] for name in ("settled", "accruing", "held", "available")}
    assert amounts == {"settled": 1000, "accruing": 0, "held": 0, "available": 1000}
    assert balance["grants"] == [{"id": made["id"], "rest": 1000, "expires_at": None}]
    [entry] = owner.get(f"{V1}/customers/{customer_id}/ledger?unit=TOKENS").json()["data"]
    assert (entry["kind"], entry["amount"], entry["balance_after"]) == ("granted", 1000, 1000)


def test_a_currency_is_a_unit_without_being_made(owner: Person, customer_id: str) -> None:
    grant(owner, customer_id, unit="usd", amount="12.50")

    balance = owner.get(f"{V1}/customers/{customer_id}/balance?unit=USD").json()
    assert Decimal(str(balance["available"])) == Decimal("12.50")
    assert owner.get(f"{V1}/customers/{customer_id}/balance").json() == balance
    [unit] = owner.get(f"{V1}/units").json()["data"]
    assert (unit["code"], unit["scale"], unit["tax"]) == ("USD", 2, "at_use")


def test_ledger_is_read_in_parts_from_the_oldest_on(owner: Person, customer_id: str) -> None:
    for amount in (1, 2, 3):
        grant(owner, customer_id, unit="EUR", amount=amount)

    path = f"{V1}/customers/{customer_id}/ledger?unit=EUR&page_size=2"
    first = owner.get(path).json()
    rest = owner.get(f"{path}&cursor={first['meta']['next_cursor']}").json()

    assert [one["balance_after"] for one in first["data"]] == [1, 3]
    assert [one["balance_after"] for one in rest["data"]] == [6]
    assert rest["meta"]["next_cursor"] is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"unit": "NONE", "amount": 1}, 404, "unit_not_found"),
        ({"unit": "USD", "amount": "0.001"}, 422, "finer_than_unit"),
        ({"unit": "USD", "amount": 0}, 422, "not_positive"),
        (
            {
                "unit": "USD",
                "amount": 1,
                "effective_at": "2026-02-01T00:00:00Z",
                "expires_at": "2026-02-01T00:00:00Z",
            },
            422,
            "expires_before_it_begins",
        ),
        (
            {"unit": "USD", "amount": 1, "applies_to": {"meter_ids": [str(n) * 32 for n in (1,)]}},
            404,
            "meter_not_found",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_what_cannot_be_granted_is_refused(
    owner: Person, customer_id: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = owner.post(f"{V1}/customers/{customer_id}/grants", json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_repeat_under_one_key_grants_once(owner: Person, customer_id: str) -> None:
    path, body = f"{V1}/customers/{customer_id}/grants", {"unit": "USD", "amount": 10}
    answers = [owner.post(path, json=body, headers={"Idempotency-Key": "k"}) for _ in range(3)]

    assert {one.json()["id"] for one in answers} == {answers[0].json()["id"]}
    balance = owner.get(f"{V1}/customers/{customer_id}/balance?unit=USD").json()
    assert balance["available"] == 10


def test_credit_is_there_from_its_begin_to_its_end(owner: Person, customer_id: str) -> None:
    begin, end = "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"
    made = grant(owner, customer_id, unit="USD", amount=10, effective_at=begin, expires_at=end)
    path = f"{V1}/customers/{customer_id}/balance?unit=USD&at="

    seen = [
        owner.get(path + at).json()["settled"]
        for at in ("2026-01-31T23:59:59Z", begin, "2026-02-28T23:59:59Z", end)
    ]

    assert seen == [0, 10, 10, 0]
    assert made["effective_at"] == begin


def test_a_unit_is_made_once(owner: Person) -> None:
    assert owner.post(f"{V1}/units", json=TOKENS).status_code == 201

    again = owner.post(f"{V1}/units", json=TOKENS)

    assert (again.status_code, again.json()["code"]) == (409, "unit_exists")


@pytest.mark.parametrize("change", [{"code": "tokens"}, {"scale": 13}, {"code": "USD"}])
def test_a_unit_that_cannot_be_is_refused(owner: Person, change: dict[str, Any]) -> None:
    assert owner.post(f"{V1}/units", json=TOKENS | change).status_code == 422


def test_what_is_not_there_is_not_found(owner: Person, customer_id: str) -> None:
    nobody = "01a22a00-1d94-74fb-a813-08ac5a204c6d"

    assert owner.get(f"{V1}/grants/{nobody}").json()["code"] == "grant_not_found"
    for path in ("balance?unit=NONE", "ledger?unit=NONE", "grants?unit=NONE"):
        answer = owner.get(f"{V1}/customers/{customer_id}/{path}")
        assert answer.json()["code"] == "unit_not_found", path
    for path in ("balance?unit=USD", "ledger?unit=USD", "grants"):
        answer = owner.get(f"{V1}/customers/{nobody}/{path}")
        assert answer.json()["code"] == "customer_not_found", path
    refused = owner.post(f"{V1}/customers/{nobody}/grants", json={"unit": "USD", "amount": 1})
    assert refused.json()["code"] == "customer_not_found"
    ledger = owner.get(f"{V1}/customers/{customer_id}/ledger?unit=USD&cursor=none")
    assert ledger.json()["code"] == "invalid_cursor"


@pytest.mark.parametrize("parameter", ["extended_days", "void_amount", "refund"])
def test_lago_394_a_parameter_of_a_void_that_is_none_is_refused(
    owner: Person, customer_id: str, parameter: str
) -> None:
    """One that was misnamed was ignored without a word, so that the void did something else."""
    body = {
        "customer_id": customer_id,
        "currency": "USD",
        "due_date": "2027-01-01T00:00:00Z",
        "line_items": [{"description": "Work", "quantity": 1, "unit_amount": 5}],
    }
    made = owner.post(f"{V1}/invoices", json=body).json()
    owner.post(f"{V1}/invoices/{made['id']}/finalize")

    answer = owner.patch(
        f"{V1}/invoices/{made['id']}/status", json={"status": "VOID", parameter: 3}
    )

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, parameter)
    assert owner.get(f"{V1}/invoices/{made['id']}").json()["status"] == "OPEN"
