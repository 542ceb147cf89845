"""Who changed which price, and whom it met, over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.api.changes import plan_body
from tests.api.people import Clock, Person

V1 = "/api/v1"
CHARGE = {"type": "FIXED", "unit_price": "10", "display_name": "Base"}


def made(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_change_names_the_member_the_request_and_the_price(owner: Person, clock: Clock) -> None:
    made(owner.post(f"{V1}/plans", json=plan_body("flat")))
    clock.advance(minutes=1)
    request = {"X-Request-ID": "raise-of-march"}
    charge = made(owner.post(f"{V1}/plans/flat/charges", json=CHARGE, headers=request))
    me = owner.get(f"{V1}/audit").json()["data"][0]["actor"]

    newest, first = owner.get(f"{V1}/plans/flat/changes").json()["data"]

    assert (newest["version"], newest["actor"]) == (2, me)
    assert (newest["request_id"], newest["is_as_published"]) == ("raise-of-march", True)
    [change] = newest["changes"]
    assert (change["part"], change["id"], change["name"]) == ("charge", charge["id"], "Base")
    assert (change["before"], change["after"]["unit_price"]) == (None, "10")
    assert (first["version"], first["changes"][0]["part"]) == (1, "plan")
    entries = owner.get(f"{V1}/audit", params={"action": "plan.version_published"}).json()["data"]
    assert [one["id"] for one in entries] == [newest["audit_entry_id"], first["audit_entry_id"]]


def test_changes_go_on_with_a_cursor_and_outlive_the_plan(owner: Person, clock: Clock) -> None:
    plan = made(owner.post(f"{V1}/plans", json=plan_body("flat")))
    for _ in range(3):
        clock.advance(minutes=1)
        made(owner.post(f"{V1}/plans/flat/charges", json=CHARGE))
    owner.delete(f"{V1}/plans/flat")

    seen: list[int] = []
    query: dict[str, Any] | None = {"page_size": 3}
    while query is not None:
        part = owner.get(f"{V1}/plans/{plan['id']}/changes", params=query).json()
        seen += [one["version"] for one in part["data"]]
        cursor = part["meta"]["next_cursor"]
        query = None if cursor is None else {"page_size": 3, "cursor": cursor}

    assert seen == [4, 3, 2, 1]


def test_version_names_the_customers_that_it_met(owner: Person, clock: Clock) -> None:
    plan = made(owner.post(f"{V1}/plans", json=plan_body("flat")))
    made(owner.post(f"{V1}/plans/flat/charges", json=CHARGE))
    met = []
    for number in range(3):
        person = {"name": "Harbor", "email": "a@harbor.test", "external_id": f"acct_{number}"}
        customer = made(owner.post(f"{V1}/customers", json=person))
        ids = {"customer_id": customer["id"], "plan_id": plan["id"]}
        begins = {"start_date": clock().isoformat()}
        met.append(made(owner.post(f"{V1}/subscriptions", json=ids | begins))["id"])
    address = f"{V1}/plans/flat/versions/2/subscriptions"

    first = owner.get(address, params={"page_size": 2}).json()
    cursor = first["meta"]["next_cursor"]
    second = owner.get(address, params={"page_size": 2, "cursor": cursor}).json()

    found = [*first["data"], *second["data"]]
    assert sorted(one["subscription_id"] for one in found) == sorted(met)
    assert {one["external_id"] for one in found} == {"acct_0", "acct_1", "acct_2"}
    assert {one["period_count"] for one in found} == {1}
    assert second["meta"]["next_cursor"] is None
    assert owner.get(f"{V1}/plans/flat/versions/1/subscriptions").json()["data"] == []


def test_what_there_is_not_is_not_found(owner: Person, sign_up: Callable[[str], Person]) -> None:
    other_owner = sign_up("Harbor Labs")
    plan = made(owner.post(f"{V1}/plans", json=plan_body("flat")))

    for asking, address, code in (
        (owner, "flat/versions/9/subscriptions", "plan_version_not_found"),
        (owner, "flat/versions/0/subscriptions", "invalid_input"),
        (other_owner, f"{plan['id']}/versions/1/subscriptions", "plan_not_found"),
        (other_owner, f"{plan['id']}/changes", "plan_not_found"),
    ):
        answer = asking.get(f"{V1}/plans/{address}")
        assert answer.json()["code"] == code
