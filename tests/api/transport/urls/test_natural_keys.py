"""Wherever a path takes an id, it takes the natural key too (CONTRACT 96)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text

from repositories.transactions import Transactions
from tests.api.people import Person
from tests.api.sold import V1, Sold, sell


@pytest.fixture
def sold(owner: Person) -> Sold:
    return sell(owner)


def post(person: Person, path: str, **body: Any) -> dict[str, Any]:
    answer = person.post(f"{V1}{path}", json=body)
    assert answer.status_code in {200, 201}, answer.text
    made: dict[str, Any] = answer.json()
    return made


def add_customer(person: Person, external_id: str) -> str:
    made = post(person, "/customers", name="Org", email="ap@org.test", external_id=external_id)
    return str(made["id"])


@pytest.mark.parametrize(
    ("sent", "external_id"),
    [
        ("globex", "globex"),
        ("org%2F1", "org/1"),
        ("org%2f1", "org/1"),
        ("%2F", "/"),
        ("org%252F1", "org%2F1"),
        ("a%2Fb%2Fentitlements", "a/b/entitlements"),
        ("caf%C3%A9%20%26%20co%3F", "café & co?"),
        ("..%2F..%2Fplans", "../../plans"),
        ("usage", "usage"),
    ],
)
def test_customer_is_reached_by_external_id(owner: Person, sent: str, external_id: str) -> None:
    customer_id = add_customer(owner, external_id)

    for below in ("", "/subscriptions", "/invoices", "/usage", "/entitlements"):
        answer = owner.get(f"{V1}/customers/{sent}{below}")
        assert answer.status_code == 200, (below, answer.text)
    assert owner.get(f"{V1}/customers/{sent}").json()["id"] == customer_id
    renamed = owner.patch(f"{V1}/customers/{sent}", json={"name": "Renamed"})
    assert (renamed.status_code, renamed.json()["id"]) == (200, customer_id)
    assert owner.delete(f"{V1}/customers/{sent}").status_code == 204
    assert owner.get(f"{V1}/customers/{sent}").status_code == 404


@pytest.mark.parametrize("kept", ["globex", " globex ", "globex\u00a0", "\tglobex"])
@pytest.mark.parametrize("sent", ["globex", "%20globex", "globex%20%20", "%C2%A0globex%09"])
def test_space_around_a_name_is_nothing_where_it_is_kept_and_where_it_is_sent(
    owner: Person, sold: Sold, kept: str, sent: str
) -> None:
    customer_id = add_customer(owner, kept)

    assert owner.get(f"{V1}/customers/{sent}").json()["id"] == customer_id
    for below in ("/entitlements", f"/entitlements/%20{sold.feature['lookup_key']}%20"):
        assert owner.get(f"{V1}/customers/{sent}{below}").status_code == 200
    used = sold.used(1, customer_external_id=f" {kept} ")
    assert used["customer_id"] == customer_id


@pytest.mark.parametrize("name", [".", "..", " .. "])
def test_name_that_no_path_can_hold_is_refused_and_its_field_named(sold: Sold, name: str) -> None:
    customer = {"name": "Org", "email": "ap@org.test", "external_id": name}
    meter = {"name": "Calls", "meter_name": name, "aggregation_type": "SUM"}
    refused = {
        "external_id": sold.owner.post(f"{V1}/customers", json=customer),
        "meter_name": sold.owner.post(f"{V1}/meters", json=meter),
        "customer_external_id": sold.use(1, customer_external_id=name),
    }
    path = f"{V1}/customers/{sold.customer['id']}"

    for field, answer in refused.items():
        assert answer.status_code == 422, (field, answer.text)
        [error] = answer.json()["errors"]
        assert (error["field"], error["code"]) == (field, "unreachable_name")
    assert sold.owner.patch(path, json={"external_id": name}).status_code == 422


def test_usage_of_a_customer_from_before_whose_name_no_path_can_hold_still_counts(
    sold: Sold, transactions: Transactions
) -> None:
    rename = text("UPDATE customer SET external_id = '..' WHERE id = :id")
    organization_id = UUID(sold.customer["organization_id"])
    with transactions.for_organization(organization_id) as session:
        session.execute(rename, {"id": sold.customer["id"]})

    assert sold.used(1, customer_external_id="..")["customer_id"] == sold.customer["id"]


def test_entitlement_of_a_name_with_a_slash_is_counted_by_its_template(owner: Person) -> None:
    sold = sell(owner)
    renamed = owner.patch(f"{V1}/customers/acct_77", json={"external_id": "org/1"})
    sold.subscribe()

    assert renamed.status_code == 200
    assert sold.check(customer="org%2F1")["has_access"] is True
    owner.get(f"{V1}/customers/customers%2Forg/invoices")
    owner.get(f"{V1}/plans/plans")
    counted = owner.get("/metrics").text
    assert 'route="/api/v1/customers/{customer_id}/invoices",status="404"' in counted
    assert 'route="/api/v1/plans/{plan_id}",status="404"' in counted
    assert "org" not in "".join(line for line in counted.splitlines() if "route=" in line)


def test_plan_feature_meter_and_invoice_are_reached_by_their_names(owner: Person) -> None:
    sold = sell(owner)
    owner.patch(f"{V1}/customers/acct_77", json={"billing_address_country": "US"})
    plan_id, meter_id = sold.plan["id"], sold.feature["meter"]["id"]
    invoice = post(
        owner,
        "/invoices",
        customer_id=sold.customer["id"],
        currency="USD",
        due_date="2026-04-01T00:00:00Z",
        line_items=[{"description": "Import", "quantity": 1, "unit_amount": 5}],
    )
    number = post(owner, f"/invoices/{invoice['id']}/finalize")["invoice_number"]

    reached = {
        "/plans/payg": plan_id,
        "/features/api_calls": sold.feature["id"],
        "/meters/api_calls": meter_id,
        f"/invoices/{number}": invoice["id"],
    }
    for path, expected in reached.items():
        assert owner.get(V1 + path).json()["id"] == expected, path
    charge = post(owner, "/plans/payg/charges", type="USAGE", meter_id=meter_id, unit_price=1)
    path = f"{V1}/plans/payg/charges/{charge['id']}"
    assert owner.patch(path, json={"status": "INACTIVE"}).json()["plan_id"] == plan_id
    limited = owner.patch(f"{V1}/plans/payg/features/api_calls", json={"usage_limit": 5})
    assert (limited.status_code, limited.json()["usage_limit"]) == (200, 5)
    assert post(owner, "/plans/payg/migrate", preview=True)["subscriptions"] == 0
    for below in ("usage", "stats", "events"):
        assert owner.get(f"{V1}/meters/api_calls/{below}").status_code == 200
    for below in ("text", "credit-notes"):
        assert owner.get(f"{V1}/invoices/{number}/{below}").status_code == 200
    assert owner.post(f"{V1}/invoices/{number}/pay").json()["status"] == "PAID"


def test_uuid_is_an_id_first_and_a_name_second(owner: Person) -> None:
    """Not even a name that is another customer's id leads away from that customer."""
    first = add_customer(owner, "first")
    second = add_customer(owner, first)
    name = str(uuid4())
    third = add_customer(owner, name)

    assert owner.get(f"{V1}/customers/{first}").json()["id"] == first
    assert owner.get(f"{V1}/customers/{second}").json()["external_id"] == first
    assert owner.get(f"{V1}/customers/{name}").json()["id"] == third
    assert owner.get(f"{V1}/customers/{name}/invoices").status_code == 200
    renamed = owner.patch(f"{V1}/customers/{name}", json={"name": "Renamed"})
    assert (renamed.status_code, renamed.json()["id"]) == (200, third)
    assert owner.get(f"{V1}/customers/{third.upper()}").json()["id"] == third
    assert owner.get(f"{V1}/customers/{uuid4()}").status_code == 404


def test_repeat_under_a_name_is_answered_once(owner: Person) -> None:
    name = str(uuid4())
    plan = post(
        owner,
        "/plans",
        name="Named",
        lookup_id=name,
        type="FIXED",
        billing_interval="month",
        currency="USD",
    )
    headers = {"Idempotency-Key": "charge-once"}
    body = {"type": "FIXED", "unit_price": 3}

    answers = [
        owner.post(f"{V1}/plans/{name}/charges", json=body, headers=headers) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert len(owner.get(f"{V1}/plans/{plan['id']}").json()["charges"]) == 1


def test_names_of_another_organization_are_names_of_nobody(owner: Person, sign_up: Any) -> None:
    add_customer(sign_up("Theirs"), "globex")

    assert owner.get(f"{V1}/customers/globex").status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/customers/nobody", 404),
        ("/customers/nobody/usage", 404),
        ("/customers/nobody/entitlements", 404),
        ("/plans/nothing", 404),
        ("/features/nothing", 404),
        ("/meters/nothing/stats", 404),
        ("/invoices/INV-1999-0001/text", 404),
        ("/subscriptions/nothing", 422),
        ("/tax-rates/nothing", 422),
        ("/test-clocks/nothing", 422),
        ("/credit-notes/nothing", 422),
        ("/invoices?customer_id=acct_77", 422),
        ("/usage?meter_id=api_calls", 422),
    ],
)
def test_unknown_name_is_404_and_malformed_id_422_where_no_name_exists(
    owner: Person, path: str, status: int
) -> None:
    assert owner.get(V1 + path).status_code == status


def test_name_costs_one_statement_and_an_id_none(owner: Person, transactions: Transactions) -> None:
    customer_id = add_customer(owner, "globex")
    statements: list[str] = []
    with transactions.for_organizations(()) as session:
        engine = session.get_bind().engine
    event.listen(engine, "before_cursor_execute", lambda *sent: statements.append(sent[2]))

    counts = []
    for address in (customer_id, "globex", customer_id):
        statements.clear()
        assert owner.get(f"{V1}/customers/{address}/usage").status_code == 200
        counts.append(len([one for one in statements if "FROM customer" in one]))

    assert counts == [1, 2, 1]
