"""Everything is found by name, number, external id or id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import V1, Sold, post, sell


def find(person: Person, asked: str, **options: Any) -> list[dict[str, Any]]:
    answer = person.get(f"{V1}/search", params={"q": asked}, **options)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def kinds(found: list[dict[str, Any]]) -> set[str]:
    return {one["kind"] for one in found}


@pytest.fixture
def sold(owner: Person) -> Sold:
    """Calls, sold and used, with an invoice that is paid by hand."""
    found = sell(owner)
    charge = {"type": "USAGE", "meter_id": found.feature["meter"]["id"], "unit_price": 0.01}
    post(owner, f"/plans/{found.plan['id']}/charges", charge)
    return found


@pytest.mark.parametrize("asked", ["Harbor Labs", "harbor", "LABS", "acct_77", "ap@harbor", "_77"])
def test_a_customer_is_found_by_any_part_of_what_they_are_known_by(
    sold: Sold, owner: Person, asked: str
) -> None:
    [found, *_] = find(owner, asked)

    assert (found["kind"], found["id"]) == ("customer", sold.customer["id"])
    assert (found["name"], found["about"]) == ("Harbor Labs", "acct_77")


def test_a_plan_and_a_meter_are_found_by_both_of_their_names(sold: Sold, owner: Person) -> None:
    assert kinds(find(owner, "pay as")) == {"plan"}
    assert kinds(find(owner, "payg")) == {"plan"}
    assert kinds(find(owner, "api_calls")) == kinds(find(owner, "API Calls")) == {"meter"}


def test_an_invoice_and_its_payment_are_found_by_how_their_number_begins(
    sold: Sold, owner: Person
) -> None:
    subscription = sold.subscribe("2026-02-01T00:00:00Z")
    sold.used(3000, "2026-02-02T00:00:00Z")
    made = post(owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})["data"][0]
    invoice = post(owner, f"/invoices/{made['id']}/finalize", {})
    paid = {"amount": 1, "method": "transfer", "reference": "Wire-2026-77"}
    payment = post(owner, f"/invoices/{made['id']}/payments", paid)

    [by_number] = find(owner, invoice["invoice_number"].lower())
    [by_beginning] = find(owner, invoice["invoice_number"][:6])
    [by_reference] = find(owner, "Wire-2026")

    assert by_number == by_beginning
    assert (by_number["kind"], by_number["id"]) == ("invoice", made["id"])
    assert (by_number["about"], by_number["status"]) == ("Harbor Labs", invoice["status"])
    assert (by_reference["kind"], by_reference["invoice_id"]) == ("payment", made["id"])
    assert payment["reference"] == by_reference["name"]


def test_anything_is_found_by_its_id_or_how_that_begins(sold: Sold, owner: Person) -> None:
    subscription = sold.subscribe()
    for kind, thing in (
        ("customer", sold.customer["id"]),
        ("subscription", subscription["id"]),
        ("plan", sold.plan["id"]),
        ("meter", sold.feature["meter"]["id"]),
    ):
        assert [(one["kind"], one["id"]) for one in find(owner, thing)] == [(kind, thing)]
        assert thing in {one["id"] for one in find(owner, thing[:20].upper())}


def test_a_coupon_is_found_by_its_code(owner: Person) -> None:
    post(owner, "/coupons", {"code": "SPRING", "percent": 10})

    assert [one["name"] for one in find(owner, "spr")] == ["SPRING"]


def test_an_event_is_found_by_its_key_for_whom_usage_is_theirs(sold: Sold, owner: Person) -> None:
    event = sold.used(5, "2026-03-01T00:00:00Z", idempotency_key="run-42")
    reader = {"X-API-Key": owner.make_key("billing.read")}

    [found] = find(owner, "run-4")
    hidden = find(owner, "run-4", headers=reader)

    assert (found["kind"], found["id"], found["name"]) == ("event", event["id"], "run-42")
    assert found["meter_id"] == sold.feature["meter"]["id"]
    assert hidden == []


def test_exact_names_come_first_and_no_kind_crowds_the_others_out(
    sold: Sold, owner: Person
) -> None:
    for place in range(9):
        post(owner, "/customers", {"name": f"An API Calls {place}", "email": "a@b.test"})

    found = find(owner, "api calls")

    assert found[0]["kind"] == "meter"
    assert len([one for one in found if one["kind"] == "customer"]) == 6


def test_what_is_deleted_is_not_found(owner: Person) -> None:
    customer = post(owner, "/customers", {"name": "Gone", "email": "a@gone.test"})
    owner.delete(f"{V1}/customers/{customer['id']}")

    assert find(owner, "gone") == []


def test_nothing_of_another_organization_is_found(
    sold: Sold, owner: Person, sign_up: Callable[[str], Person]
) -> None:
    other = sign_up("Elsewhere")

    for asked in ("Harbor", "acct_77", sold.plan["id"], "payg", "api_calls"):
        assert find(other, asked) == [], asked
        assert find(owner, asked) != [], asked


@pytest.mark.parametrize("asked", ["%", "_", "'", "\\", "💶", "0" * 200, "ﬀ", "- -"])
def test_any_words_may_be_asked(owner: Person, asked: str) -> None:
    assert find(owner, asked) == []


@pytest.mark.parametrize("asked", ["", " ", "a\0b", "a" * 201])
def test_words_that_say_nothing_are_refused(owner: Person, asked: str) -> None:
    assert owner.get(f"{V1}/search", params={"q": asked}).status_code == 422


def test_who_reads_no_bills_finds_nothing(sold: Sold, owner: Person) -> None:
    headers = {"X-API-Key": sold.key}

    assert owner.get(f"{V1}/search", params={"q": "x"}, headers=headers).status_code == 403
