"""What an edit of a plan would change for whom, before it is made."""

from __future__ import annotations

from typing import Any

import pytest

from api.routers.catalog import plan_estimates
from services.estimates import plan_edits
from tests.api.people import Person
from tests.api.sold import V1, Sold, post, sell

BEGIN = "2026-03-01T00:00:00Z"


@pytest.fixture
def sold(owner: Person) -> Sold:
    """1,000 calls a month are free, each further one costs 0.002."""
    found = sell(owner)
    post(owner, f"/plans/{found.plan['id']}/charges", usage_charge(found, 0.002))
    return found


def usage_charge(sold: Sold, unit_price: float, **more: Any) -> dict[str, Any]:
    meter_id = sold.feature["meter"]["id"]
    return {"type": "USAGE", "meter_id": meter_id, "unit_price": unit_price, **more}


def to_price(sold: Sold, unit_price: float) -> dict[str, Any]:
    """The edit that gives the plan's charge another price."""
    [charge] = sold.owner.get(f"{V1}/plans/{sold.plan['id']}").json()["charges"]
    return {"add": [usage_charge(sold, unit_price)], "deactivate": [charge["id"]]}


def preview(sold: Sold, query: str = "", **asked: Any) -> dict[str, Any]:
    return post(sold.owner, f"/plans/{sold.plan['id']}/preview-edit{query}", asked)


def add_customer(sold: Sold, external_id: str) -> Sold:
    """Another customer of the same plan."""
    body = {"name": external_id.title(), "email": "a@b.test", "external_id": external_id}
    customer = post(sold.owner, "/customers", body)
    return Sold(sold.owner, sold.key, sold.feature, sold.plan, customer)


def amounts(row: dict[str, Any]) -> list[Any]:
    return [row["before"], row["after"], row["difference"]]


def test_each_subscription_and_all_together_say_what_they_pay_more(sold: Sold) -> None:
    other = add_customer(sold, "acme")
    subscription, others = sold.subscribe(), other.subscribe()
    sold.used(5000, BEGIN)
    other.used(2000, BEGIN, customer_external_id="acme")

    found = preview(sold, edit=to_price(sold, 0.003))

    rows = {row["subscription_id"]: row for row in found["data"]}
    assert amounts(rows[subscription["id"]]) == [8, 12, 4]
    assert amounts(rows[others["id"]]) == [2, 3, 1]
    assert amounts(found) == [10, 15, 5]
    assert (found["subscriptions"], found["currency"], found["period"]) == (2, "USD", "current")
    assert rows[others["id"]]["customer_name"] == "Acme"
    assert found["meta"]["next_cursor"] is None


def test_it_says_what_the_bill_then_says_and_changes_nothing_itself(sold: Sold) -> None:
    subscription = sold.subscribe()
    sold.used(5000, BEGIN)
    path = f"/plans/{sold.plan['id']}"
    before, edit = sold.owner.get(V1 + path).json(), to_price(sold, 0.003)

    [row] = preview(sold, edit=edit)["data"]
    unchanged = sold.owner.get(V1 + path).json()
    charge = {**edit["add"][0], "effective": "running_period"}
    post(sold.owner, f"{path}/charges", charge)
    gone = {"status": "INACTIVE", "effective": "running_period"}
    sold.owner.patch(f"{V1}{path}/charges/{edit['deactivate'][0]}", json=gone)
    billed = post(sold.owner, f"/subscriptions/{subscription['id']}/preview-invoice", {})

    assert unchanged == before
    assert row["after"] == billed["total"] == 12


def test_the_last_period_is_compared_by_what_was_used_in_it(sold: Sold) -> None:
    subscription = sold.subscribe("2026-02-01T00:00:00Z")
    sold.used(3000, "2026-02-10T00:00:00Z")
    sold.used(9000, BEGIN)
    post(sold.owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})

    [row] = preview(sold, edit=to_price(sold, 0.004), period="last")["data"]

    assert amounts(row) == [4, 8, 4]
    assert (row["period_start"], row["period_end"]) == ("2026-02-01T00:00:00Z", BEGIN)


def test_who_has_no_period_that_is_over_is_left_out(sold: Sold) -> None:
    sold.subscribe()

    found = preview(sold, edit=to_price(sold, 0.004), period="last")

    assert (found["data"], found["subscriptions"], amounts(found)) == ([], 0, [0, 0, 0])


def test_one_customer_is_told_of_alone(sold: Sold) -> None:
    other = add_customer(sold, "acme")
    sold.subscribe()
    mine = other.subscribe()

    found = preview(sold, edit=to_price(sold, 0.003), customer_id=other.customer["id"])

    assert [row["subscription_id"] for row in found["data"]] == [mine["id"]]
    assert found["subscriptions"] == 1


def test_who_keeps_their_version_or_has_ended_is_left_out(sold: Sold) -> None:
    sold.subscribe(version_policy="pinned")
    ended = add_customer(sold, "acme").subscribe()
    path = f"/subscriptions/{ended['id']}/cancel"
    post(sold.owner, path, {"cancel_at_period_end": False})

    assert preview(sold, edit=to_price(sold, 0.003))["subscriptions"] == 0


def test_pages_go_on_where_the_last_ended_and_add_up(sold: Sold) -> None:
    customers = [add_customer(sold, f"acme-{place}") for place in range(5)]
    ids = {one.subscribe()["id"] for one in customers}
    for one in customers:
        one.used(2000, BEGIN, customer_external_id=one.customer["external_id"])
    seen: list[str] = []
    edit, cursor, more = to_price(sold, 0.003), None, 0
    while cursor is not None or not seen:
        query = "?page_size=2" + (f"&cursor={cursor}" if cursor else "")
        part = preview(sold, query, edit=edit)
        seen += [row["subscription_id"] for row in part["data"]]
        cursor, more = part["meta"]["next_cursor"], more + part["difference"]

    assert (len(seen), set(seen), more) == (5, ids, 5)


def test_time_that_is_up_ends_a_part_and_no_subscription_is_lost(
    sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_edits, "AT_ONCE", 2)
    monkeypatch.setattr(plan_estimates, "LONGEST_SECONDS", 0.0)
    for place in range(3):
        add_customer(sold, f"acme-{place}").subscribe()
    edit = to_price(sold, 0.003)

    first = preview(sold, edit=edit)
    rest = preview(sold, f"?cursor={first['meta']['next_cursor']}", edit=edit)

    assert [len(part["data"]) for part in (first, rest)] == [2, 1]
    assert rest["meta"]["next_cursor"] is None


def test_coupons_and_taxes_count_on_both_sides(sold: Sold) -> None:
    owner, customer_id = sold.owner, sold.customer["id"]
    owner.patch(f"{V1}/customers/{customer_id}", json={"billing_address_country": "DE"})
    post(owner, "/tax-rates", {"name": "VAT", "country": "DE", "percentage": 20})
    post(owner, "/coupons", {"code": "HALF", "percent": 50})
    post(owner, f"/customers/{customer_id}/coupons", {"code": "HALF"})
    sold.subscribe()
    sold.used(5000, BEGIN)

    [row] = preview(sold, edit=to_price(sold, 0.003))["data"]

    assert amounts(row) == [4.8, 7.2, 2.4]


def test_usage_that_nobody_told_apart_is_not_guessed(sold: Sold) -> None:
    sold.subscribe()
    grouped = usage_charge(
        sold, 0.001, group_by=["model"], group_prices=[{"values": ["large"], "unit_price": 0.01}]
    )
    path = f"{V1}/plans/{sold.plan['id']}/preview-edit"

    answer = sold.owner.post(path, json={"edit": {"add": [grouped]}})

    assert (answer.status_code, answer.json()["code"]) == (409, "usage_not_told_apart")


@pytest.mark.parametrize(
    ("query", "asked", "status"),
    [
        ("", {}, 422),
        ("", {"edit": {}, "period": "next"}, 422),
        ("", {"edit": {}, "customer_id": "0" * 32}, 404),
        ("", {"edit": {"deactivate": ["0" * 32]}}, 404),
        ("?page_size=101", {"edit": {}}, 422),
        ("?cursor=nothing", {"edit": {}}, 422),
    ],
)
def test_what_cannot_be_is_refused(
    sold: Sold, query: str, asked: dict[str, Any], status: int
) -> None:
    path = f"{V1}/plans/{sold.plan['id']}/preview-edit{query}"

    assert sold.owner.post(path, json=asked).status_code == status
