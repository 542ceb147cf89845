"""Credit is set aside, settled once, or free again."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.people import Clock, Person
from tests.api.sold import V1, post

UNTIL = "2026-03-02T08:10:00Z"


@pytest.fixture
def customer_id(owner: Person) -> str:
    body = {"name": "Quay", "email": "quay@example.com", "billing_address_country": "DE"}
    made = post(owner, "/customers", body)
    post(owner, f"/customers/{made['id']}/grants", {"unit": "USD", "amount": 10})
    return str(made["id"])


def body_of(customer_id: str, /, **more: Any) -> dict[str, Any]:
    held = {"customer_id": customer_id, "unit": "USD", "amount": 4, "expires_at": UNTIL}
    return held | more


def balance_of(owner: Person, customer_id: str) -> tuple[float, float, float]:
    shown = owner.get(f"{V1}/customers/{customer_id}/balance?unit=USD").json()
    return shown["settled"], shown["held"], shown["available"]


def kinds_of(owner: Person, customer_id: str) -> list[tuple[str, float]]:
    shown = owner.get(f"{V1}/customers/{customer_id}/ledger?unit=USD").json()
    return [(one["kind"], one["amount"]) for one in shown["data"]]


def test_a_hold_is_settled_once_and_its_rest_is_free(owner: Person, customer_id: str) -> None:
    made = post(owner, "/credits/holds", body_of(customer_id))
    assert balance_of(owner, customer_id) == (10, 4, 6)

    settled = [post(owner, f"/credits/holds/{made['id']}/settle", {"amount": 3}) for _ in "123"]

    assert settled[0] == settled[2]
    assert (settled[0]["status"], settled[0]["settled_amount"]) == ("settled", 3)
    assert balance_of(owner, customer_id) == (7, 0, 7)
    assert kinds_of(owner, customer_id) == [
        ("granted", 10),
        ("held", -4),
        ("released", 4),
        ("drawn", -3),
    ]


def test_a_hold_is_made_once_under_its_id(owner: Person, customer_id: str) -> None:
    body = body_of(customer_id, id=str(uuid4()))

    made = [post(owner, "/credits/holds", body) for _ in range(3)]

    assert made[0] == made[2]
    assert balance_of(owner, customer_id) == (10, 4, 6)
    other = owner.post(f"{V1}/credits/holds", json=body | {"amount": 5})
    assert (other.status_code, other.json()["code"]) == (409, "hold_exists")


def test_what_is_not_there_cannot_be_held(owner: Person, customer_id: str) -> None:
    post(owner, "/credits/holds", body_of(customer_id, amount=7))

    refused = owner.post(f"{V1}/credits/holds", json=body_of(customer_id))

    assert (refused.status_code, refused.json()["code"]) == (409, "no_credit")


def test_a_hold_is_released_once(owner: Person, customer_id: str) -> None:
    made = post(owner, "/credits/holds", body_of(customer_id))
    path = f"{V1}/credits/holds/{made['id']}"

    assert [owner.delete(path).status_code for _ in "12"] == [204, 204]

    assert balance_of(owner, customer_id) == (10, 0, 10)
    refused = owner.post(f"{path}/settle", json={"amount": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "hold_over")


def test_a_hold_is_over_at_its_instant(owner: Person, customer_id: str, clock: Clock) -> None:
    made = post(owner, "/credits/holds", body_of(customer_id, amount=10))
    clock.advance(minutes=10)

    assert balance_of(owner, customer_id) == (10, 0, 10)
    post(owner, "/credits/holds", body_of(customer_id, expires_at="2026-03-02T09:00:00Z"))
    settled = owner.post(f"{V1}/credits/holds/{made['id']}/settle", json={"amount": 1})
    assert settled.json()["code"] == "hold_over"
    assert balance_of(owner, customer_id) == (10, 4, 6)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"expires_at": "2026-03-03T08:00:01Z"}, "hold_too_long"),
        ({"expires_at": "2026-03-02T08:00:00Z"}, "hold_too_long"),
        ({"amount": 0}, "not_positive"),
        ({"amount": "0.001"}, "finer_than_unit"),
        ({"unit": "NONE"}, "unit_not_found"),
        ({"customer_id": "01a22a00-1d94-74fb-a813-08ac5a204c6d"}, "customer_not_found"),
    ],
)
def test_what_cannot_be_held_is_refused(
    owner: Person, customer_id: str, change: dict[str, Any], code: str
) -> None:
    assert (
        owner.post(f"{V1}/credits/holds", json=body_of(customer_id, **change)).json()["code"]
        == code
    )


def test_a_hold_that_ends_too_late_is_told_the_clock_and_its_instant(owner: Person) -> None:
    clock = post(owner, "/test-clocks", {"name": "Clock", "frozen_time": "2025-01-01T12:00:00Z"})
    body = {"name": "Quay", "email": "q@example.com", "billing_address_country": "DE"}
    shown = "at most 24 hours after it, by"

    said = []
    for more in ({}, {"test_clock_id": clock["id"]}):
        made = post(owner, "/customers", body | more)
        post(owner, f"/customers/{made['id']}/grants", {"unit": "USD", "amount": 10})
        late = body_of(made["id"], expires_at="2026-03-04T00:00:00Z")
        said.append(owner.post(f"{V1}/credits/holds", json=late).json()["detail"])

    assert [one.split(shown)[1] for one in said] == [
        " this server's clock, 2026-03-02T08:00:00Z.",
        " the customer's test clock, 2025-01-01T12:00:00Z.",
    ]


def test_ends_of_a_hold_that_contradict_are_refused(owner: Person, customer_id: str) -> None:
    path = f"{V1}/credits/holds/{post(owner, '/credits/holds', body_of(customer_id))['id']}"
    nobody = f"{V1}/credits/holds/{uuid4()}"

    codes = [owner.post(f"{path}/settle", json={"amount": one}).json() for one in ("4.01", "0.001")]
    assert [one["code"] for one in codes] == ["settles_too_much", "finer_than_unit"]
    assert owner.post(f"{path}/settle", json={"amount": 0}).status_code == 200
    assert owner.post(f"{path}/settle", json={"amount": 1}).json()["code"] == "hold_settled"
    assert owner.delete(path).json()["code"] == "hold_settled"
    assert owner.delete(nobody).json()["code"] == "hold_not_found"
    assert owner.post(f"{nobody}/settle", json={"amount": 1}).json()["code"] == "hold_not_found"


def test_a_grant_is_ended_once(owner: Person, customer_id: str, clock: Clock) -> None:
    [first] = owner.get(f"{V1}/customers/{customer_id}/grants").json()["data"]

    ended = [post(owner, f"/grants/{first['id']}/end", {}) for _ in "12"]

    assert ended[0] == ended[1]
    assert (ended[0]["status"], ended[0]["rest"]) == ("ended", 0)
    assert kinds_of(owner, customer_id) == [("granted", 10), ("expired", -10)]
    path = f"{V1}/grants/{first['id']}/end"
    assert owner.post(path, json={"refund": True}).json()["code"] == "refund_of_free_credit"
    assert owner.post(f"{V1}/grants/{uuid4()}/end").json()["code"] == "grant_not_found"
    short = {"unit": "USD", "amount": 1, "expires_at": UNTIL}
    second = post(owner, f"/customers/{customer_id}/grants", short)
    clock.advance(minutes=10)
    assert owner.post(f"{V1}/grants/{second['id']}/end").json()["code"] == "grant_expired"
