"""Previews in front of the framework say what it says, byte for byte, or are left to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.invoicing.previewed import GRADUATED, Prepare, both, charge
from tests.api.people import Person
from tests.api.sold import V1, Sold, add_feature, grant_feature, post, sell

ID = "0195e2a1-7c1a-7000-8000-0000000000aa"


def plain(sold: Sold) -> dict[str, Any]:
    charge(sold)
    subscription = sold.subscribe()
    sold.used("7.25", "2026-03-01T03:00:00.125Z")
    sold.used("0.000000000000000001", "2026-03-02T07:59:59Z")
    return subscription


def unused(sold: Sold) -> dict[str, Any]:
    charge(sold)
    return sold.subscribe()


def chargeless(sold: Sold) -> dict[str, Any]:
    return sold.subscribe()


def taxed(sold: Sold) -> dict[str, Any]:
    where: dict[str, Any] = {"billing_address_country": "US", "billing_address_state": "NY"}
    sold.owner.patch(f"{V1}/customers/{sold.customer['id']}", json=where)
    rates: list[dict[str, Any]] = [
        {"percentage": "8.875"},
        {"percentage": 3, "state": "NY", "inclusive": True},
    ]
    for rate in rates:
        post(sold.owner, "/tax-rates", {"name": "Sales", "country": "US"} | rate)
    post(sold.owner, "/tax-rates", {"name": "VAT", "country": "DE", "percentage": 19})
    return plain(sold)


def partial_period(sold: Sold) -> dict[str, Any]:
    post(sold.owner, f"/plans/{sold.plan['id']}/charges", {"type": "FIXED", "unit_price": 31})
    charge(sold)
    return sold.subscribe("2026-02-17T10:30:00Z", billing_anchor="calendar")


def paused(sold: Sold) -> dict[str, Any]:
    post(sold.owner, f"/plans/{sold.plan['id']}/charges", {"type": "FIXED", "unit_price": 31})
    subscription = plain(sold)
    post(sold.owner, f"/subscriptions/{subscription['id']}/pause", {})
    return subscription


def resumed(sold: Sold) -> dict[str, Any]:
    subscription = paused(sold)
    post(sold.owner, f"/subscriptions/{subscription['id']}/resume", {})
    return subscription


def corrected(sold: Sold) -> dict[str, Any]:
    subscription = plain(sold)
    event = sold.used(5, "2026-03-01T05:00:00Z")
    path = f"{V1}/usage/{event['id']}"
    sold.owner.patch(path, json={"quantity": 2}, headers={"X-API-Key": sold.key})
    return subscription


def edited(sold: Sold) -> dict[str, Any]:
    subscription = plain(sold)
    charge(sold, unit_price=2)
    return subscription


def canceled_at_its_end(sold: Sold) -> dict[str, Any]:
    subscription = plain(sold)
    post(sold.owner, f"/subscriptions/{subscription['id']}/cancel", {"cancel_at_period_end": True})
    return subscription


def several_meters(sold: Sold) -> dict[str, Any]:
    for kind in ("COUNT", "MAX", "LAST", "AVG", "UNIQUE_COUNT", "WEIGHTED_SUM"):
        name = f"{kind.lower()}_of"
        measured = {} if kind == "COUNT" else {"property_name": "size"}
        feature = add_feature(sold.owner, name, aggregation_type=kind, meter_name=name, **measured)
        grant_feature(sold.owner, sold.plan, feature)
        priced = {"type": "USAGE", "meter_id": feature["meter"]["id"], "unit_price": "0.3"}
        post(sold.owner, f"/plans/{sold.plan['id']}/charges", priced)
    subscription = plain(sold)
    for kind, day, size in (("max", 1, 7), ("avg", 1, 1), ("avg", 1, 0), ("last", 2, 4)):
        body: dict[str, Any] = {
            "meter_name": f"{kind}_of",
            "customer_external_id": "acct_77",
            "quantity": 1,
        }
        at = {"timestamp": f"2026-03-0{day}T01:00:00Z"}
        body |= {"properties": {"size": size}} | at
        headers = {"X-API-Key": sold.key}
        answer = sold.owner.post(f"{V1}/usage", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
    return subscription


PLAIN: tuple[Prepare, ...] = (
    plain,
    unused,
    chargeless,
    taxed,
    partial_period,
    paused,
    resumed,
    corrected,
    edited,
    canceled_at_its_end,
    several_meters,
)


@pytest.mark.parametrize("prepare", PLAIN)
def test_a_plain_preview_is_answered_in_front_and_alike(owner: Person, prepare: Prepare) -> None:
    subscription = prepare(sell(owner, usage_limit=2))

    is_in_front, (status, _, _) = both(owner, subscription["id"])

    assert (is_in_front, status) == (True, 200)


def with_add_on(sold: Sold) -> dict[str, Any]:
    subscription = plain(sold)
    add_on = {"charge": {"unit_price": 10}}
    post(sold.owner, f"/subscriptions/{subscription['id']}/add-ons", add_on)
    return subscription


def with_coupon(sold: Sold) -> dict[str, Any]:
    post(sold.owner, "/coupons", {"code": "HALF", "percent": 50})
    post(sold.owner, f"/customers/{sold.customer['id']}/coupons", {"code": "HALF"})
    return plain(sold)


def with_credit(sold: Sold) -> dict[str, Any]:
    grant = {"unit": "USD", "amount": "0.4"}
    post(sold.owner, f"/customers/{sold.customer['id']}/grants", grant)
    return plain(sold)


def with_commitment(sold: Sold) -> dict[str, Any]:
    post(sold.owner, f"/plans/{sold.plan['id']}/commitments", {"amount": 100})
    return plain(sold)


def with_minimum(sold: Sold) -> dict[str, Any]:
    charge(sold, **GRADUATED, minimum=20)
    return sold.subscribe("2026-02-17T10:30:00Z", billing_anchor="calendar")


def with_groups(sold: Sold) -> dict[str, Any]:
    prices = [{"values": ["large"], "unit_price": 0.01}]
    charge(sold, unit_price="0.001", group_by=["model"], group_prices=prices)
    subscription = sold.subscribe()
    sold.used(5, "2026-03-01T05:00:00Z", properties={"model": "large"})
    return subscription


def in_own_unit(sold: Sold) -> dict[str, Any]:
    post(sold.owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 0})
    charge(sold, unit_price=2, unit="TOKENS", overage_rate="0.01")
    grant = {"unit": "TOKENS", "amount": 3}
    post(sold.owner, f"/customers/{sold.customer['id']}/grants", grant)
    subscription = sold.subscribe()
    sold.used(5, "2026-03-01T05:00:00Z")
    return subscription


def with_late_usage(sold: Sold) -> dict[str, Any]:
    charge(sold)
    subscription = sold.subscribe("2026-01-31T00:00:00Z")
    path = f"/subscriptions/{subscription['id']}/generate-invoice"
    [bill, *_] = post(sold.owner, path, {})["data"]
    sold.owner.post(f"{V1}/invoices/{bill['id']}/finalize")
    sold.used(5, "2026-02-01T05:00:00Z")
    return subscription


UNUSUAL: tuple[Prepare, ...] = (
    with_add_on,
    with_coupon,
    with_credit,
    with_commitment,
    with_groups,
    in_own_unit,
    with_late_usage,
)


@pytest.mark.parametrize("prepare", [*UNUSUAL, with_minimum])
def test_what_is_unusual_is_answered_alike(owner: Person, prepare: Prepare) -> None:
    subscription = prepare(sell(owner, usage_limit=2))

    _, (status, _, _) = both(owner, subscription["id"])

    assert status == 200


@pytest.mark.parametrize("prepare", UNUSUAL)
def test_what_two_statements_do_not_know_is_left_to_a_session(
    owner: Person, prepare: Prepare
) -> None:
    subscription = prepare(sell(owner, usage_limit=2))

    is_in_front, _ = both(owner, subscription["id"])

    assert not is_in_front


def test_account_pays_alike(owner: Person) -> None:
    sold = sell(owner, usage_limit=2)
    where = {"billing_address_country": "US"}
    owner.patch(f"{V1}/customers/{sold.customer['id']}", json=where)
    line = {"description": "Goodwill", "quantity": 1, "unit_amount": "-1.25"}
    due = {"currency": "USD", "due_date": "2026-04-01T00:00:00Z", "line_items": [line]}
    written = post(owner, "/invoices", {"customer_id": sold.customer["id"]} | due)
    post(owner, f"/invoices/{written['id']}/finalize", {})
    subscription = plain(sold)

    is_in_front, (_, body, _) = both(owner, subscription["id"])

    assert is_in_front
    assert b'"type":"credit"' in body


REQUESTS: dict[str, dict[str, Any]] = {
    "no object": {"json": []},
    "null": {"json": None},
    "empty": {"json": {}},
    "a cut": {"json": {"at": "2026-03-02T00:00:00Z"}},
    "a cut outside": {"json": {"at": "2027-03-02T00:00:00Z"}},
    "no cut": {"json": {"at": None}},
    "an unknown field": {"json": {"until": 1}},
    "no JSON": {"content": b"{", "headers": {"Content-Type": "application/json"}},
    "text": {"content": b"{}", "headers": {"Content-Type": "text/plain"}},
    "a query": {"params": {"at": "now"}},
    "numbers as texts": {"headers": {"Prefer": "numbers=text"}},
    "a bad key": {"headers": {"X-API-Key": "nobody"}},
    "another organization": {"headers": {"Fluxrate-Organization": ID}},
}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("who", ["owner", "visitor"])
def test_a_strange_request_is_answered_alike(
    request: pytest.FixtureRequest, owner: Person, who: str, name: str
) -> None:
    subscription = plain(sell(owner))

    both(request.getfixturevalue(who), subscription["id"], **REQUESTS[name])


@pytest.mark.parametrize("subscription", [ID, "nobody", "0195E2A1-7C1A-7000-8000-0000000000AA"])
def test_what_is_unknown_is_answered_alike(owner: Person, subscription: str) -> None:
    is_in_front, (status, _, _) = both(owner, subscription)

    assert not is_in_front
    assert status in (404, 422)


@pytest.mark.parametrize("ends", ["trial", "canceled", "deleted"])
def test_a_subscription_without_a_period_is_answered_alike(owner: Person, ends: str) -> None:
    sold = sell(owner)
    charge(sold)
    trial = {"trial_end_date": "2026-04-01T00:00:00Z"} if ends == "trial" else {}
    subscription = sold.subscribe(**trial)
    if ends == "canceled":
        body = {"cancel_at_period_end": False}
        post(owner, f"/subscriptions/{subscription['id']}/cancel", body)
    if ends == "deleted":
        owner.delete(f"{V1}/subscriptions/{subscription['id']}")

    both(owner, subscription["id"])


def test_somebody_elses_subscription_is_unknown(
    owner: Person, sign_up: Callable[[str], Person]
) -> None:
    subscription = plain(sell(owner))

    _, (status, _, _) = both(sign_up("Elsewhere"), subscription["id"])

    assert status == 404
