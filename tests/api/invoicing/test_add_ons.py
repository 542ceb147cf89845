"""Add-ons over the API: what is answered, what is refused, and eight requests at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from tests.api.people import Clock, Person
from tests.api.sold import V1, Sold, post, sell

EIGHT = 8
SEATS = {"charge": {"type": "FIXED", "unit_price": "12.50", "display_name": "Seats"}, "quantity": 3}


@pytest.fixture
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """Eight requests have a connection each."""
    engine = create_application_engine(module_database_url, pool_size=EIGHT + 2)
    yield Transactions(engine)
    engine.dispose()


@pytest.fixture
def sold(owner: Person) -> Sold:
    return sell(owner)


@pytest.fixture
def path(sold: Sold) -> str:
    return f"/subscriptions/{sold.subscribe()['id']}/add-ons"


def recorded(owner: Any) -> list[dict[str, Any]]:
    """What the audit log says of add-ons, first things first."""
    entries = owner.get(f"{V1}/audit?page_size=100").json()["data"]
    return [one for one in reversed(entries) if one["object_type"] == "add_on"]


@pytest.mark.usefixtures("compared")
def test_an_add_on_is_attached_changed_shown_and_ended(
    owner: Person, path: str, clock: Clock
) -> None:
    begun = clock()
    made = post(owner, path, SEATS)
    clock.advance(minutes=5)
    changed = owner.patch(f"{V1}{path}/{made['id']}", json={"quantity": 2.5})
    clock.advance(minutes=5)
    ended = owner.delete(f"{V1}{path}/{made['id']}")

    shown = owner.get(f"{V1}{path}/{made['id']}").json()
    listed = owner.get(f"{V1}{path}").json()
    assert (changed.status_code, ended.status_code) == (200, 204)
    assert made["charge"] == {
        "id": made["id"],
        "type": "FIXED",
        "unit_price": 12.5,
        "display_name": "Seats",
    }
    assert (made["quantity"], made["ended_at"]) == (3, None)
    assert made["attached_at"] == made["effective_at"] == f"{begun:%Y-%m-%dT%H:%M:%SZ}"
    assert changed.json()["quantity"] == 2.5
    assert changed.json()["effective_at"] > made["effective_at"]
    assert (shown["quantity"], shown["attached_at"]) == (0, made["attached_at"])
    assert shown["ended_at"] == shown["effective_at"]
    assert (listed["data"], listed["meta"]["total"]) == ([shown], 1)
    assert [(one["action"], one["before"]) for one in recorded(owner)] == [
        ("add_on.attached", None),
        ("add_on.changed", {"quantity": "3"}),
        ("add_on.ended", {"quantity": "2.5"}),
    ]


def test_quantity_is_one_where_nobody_says(owner: Person, path: str) -> None:
    assert post(owner, path, {"charge": {"unit_price": 5}})["quantity"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "charge"),
        ({"charge": {}}, "charge.unit_price"),
        ({"charge": {"unit_price": -1}}, "charge.unit_price"),
        ({"charge": {"unit_price": 1, "meter_id": "x"}}, "charge.meter_id"),
        ({"charge": {"unit_price": 1, "type": "USAGE"}}, "charge.type"),
        ({"charge": {"unit_price": 1, "currency": "EUR"}}, "charge.currency"),
        ({"charge": {"unit_price": 1}, "quantity": 0}, "quantity"),
        ({"charge": {"unit_price": 1}, "quantity": -2}, "quantity"),
        ({"charge": {"unit_price": 1}, "quantity": "many"}, "quantity"),
    ],
)
def test_what_cannot_be_attached_is_refused_by_its_field(
    owner: Person, path: str, body: dict[str, Any], field: str
) -> None:
    refused = owner.post(V1 + path, json=body)

    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["field"] == field
    assert owner.get(V1 + path).json()["data"] == []


def test_an_add_on_that_ended_is_409_and_ends_again_in_peace(owner: Person, path: str) -> None:
    its = f"{V1}{path}/{post(owner, path, SEATS)['id']}"

    ends = [owner.delete(its).status_code for _ in range(2)]
    refused = owner.patch(its, json={"quantity": 4})

    assert ends == [204, 204]
    assert (refused.status_code, refused.json()["code"]) == (409, "add_on_ended")


def test_a_canceled_subscription_takes_no_add_on(owner: Person, path: str) -> None:
    subscription = path.removesuffix("/add-ons")
    post(owner, f"{subscription}/cancel", {"cancel_at_period_end": False})

    refused = owner.post(V1 + path, json=SEATS)

    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")


def test_an_edit_of_what_somebody_else_changed_is_412(owner: Person, path: str) -> None:
    its = f"{V1}{path}/{post(owner, path, SEATS)['id']}"
    seen = {"If-Match": owner.get(its).headers["etag"]}

    first = owner.patch(its, json={"quantity": 4}, headers=seen)
    second = owner.patch(its, json={"quantity": 5}, headers=seen)
    third = owner.patch(its, json={"quantity": 5}, headers={"If-Match": first.headers["etag"]})

    assert [one.status_code for one in (first, second, third)] == [200, 412, 200]
    assert owner.get(its).json()["quantity"] == 5


def test_eight_edits_of_one_reading_have_one_effect(owner: Person, path: str) -> None:
    its = f"{V1}{path}/{post(owner, path, SEATS)['id']}"
    seen = {"If-Match": owner.get(its).headers["etag"]}

    def edit(number: int) -> int:
        return owner.patch(its, json={"quantity": 10 + number}, headers=seen).status_code

    with ThreadPoolExecutor(EIGHT) as executor:
        statuses = sorted(executor.map(edit, range(EIGHT)))

    assert statuses == [200] + [412] * 7
    assert [one["action"] for one in recorded(owner)] == ["add_on.attached", "add_on.changed"]


def test_eight_requests_under_one_key_attach_one(owner: Person, path: str) -> None:
    once = {"Idempotency-Key": "seats-1"}

    def attach(_: int) -> int:
        return owner.post(V1 + path, json=SEATS, headers=once).status_code

    with ThreadPoolExecutor(EIGHT) as executor:
        statuses = set(executor.map(attach, range(EIGHT)))
    again = owner.post(V1 + path, json=SEATS, headers=once)

    # Who comes while the first is on its way is told so, and finds its answer later.
    assert statuses <= {201, 409}
    assert again.status_code == 201
    assert [one["id"] for one in owner.get(V1 + path).json()["data"]] == [again.json()["id"]]
    assert len(recorded(owner)) == 1


def test_eight_equal_changes_are_one(owner: Person, path: str) -> None:
    its = f"{V1}{path}/{post(owner, path, SEATS)['id']}"

    def change(_: int) -> int:
        return owner.patch(its, json={"quantity": 7}).status_code

    with ThreadPoolExecutor(EIGHT) as executor:
        assert set(executor.map(change, range(EIGHT))) == {200}

    assert [one["action"] for one in recorded(owner)] == ["add_on.attached", "add_on.changed"]


def test_a_line_of_an_add_on_is_explained(owner: Person, path: str, clock: Clock) -> None:
    subscription = path.removesuffix("/add-ons")
    made = post(owner, path, SEATS)
    clock.advance(days=2)
    assert owner.post(f"{V1}/auth/refresh").status_code == 200
    [invoice] = post(owner, f"{subscription}/generate-invoice", {})["data"]
    [line] = [one for one in invoice["line_items"] if one["charge_id"] == made["id"]]

    explained = owner.get(f"{V1}/invoices/{invoice['id']}/lines/{line['id']}/explain").json()
    verified = post(owner, f"/invoices/{invoice['id']}/verify", {})

    assert (line["type"], line["quantity"], line["unit_amount"]) == ("proration", 3, 12.5)
    assert [one["name"] for one in explained["steps"]] == ["price", "prorate", "round"]
    assert explained["steps"][0]["inputs"]["quantity"] == "3"
    assert verified["result"] == "equal"
