"""Reads of one thing show what the rows say, byte for byte, to whoever may see it."""

from __future__ import annotations

from uuid import UUID

from api.context import AppContext
from api.routers.subscriptions.subscriptions import view_one
from api.schemas.catalog.plans import view_plan
from api.schemas.customers import view_customer
from api.schemas.invoicing.credit_notes import view_credit_note
from api.schemas.payments.payments import view_payment
from api.transport.exact_json import dump_json
from repositories.catalog.plans import find_plan
from repositories.customers import find_customer
from repositories.invoicing.credit_notes import list_credit_lines, list_credit_notes
from repositories.payments.payments import list_of_invoice
from repositories.subscriptions.subscriptions import find_subscription
from services.catalog.plans import read_contents
from tests.api.people import Person
from tests.api.sold import V1, post, sell


def test_customer_plan_and_subscription_are_those_of_the_rows(
    owner: Person, context: AppContext
) -> None:
    sold = sell(owner, usage_limit="1000.50")
    charge = {"type": "FIXED", "unit_price": "19.9900000000000000001"}
    post(owner, f"/plans/{sold.plan['id']}/charges", charge)
    subscription_id = UUID(sold.subscribe()["id"])
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])

    customer = owner.get(f"{V1}/customers/{sold.customer['id']}")
    plan = owner.get(f"{V1}/plans/{sold.plan['id']}")
    subscription = owner.get(f"{V1}/subscriptions/{subscription_id}")

    with context.transactions.for_organization(organization_id) as session:
        stored = find_customer(session, organization_id, UUID(sold.customer["id"]))
        assert stored is not None
        assert customer.content == dump_json(view_customer(stored))
        sold_plan = find_plan(session, organization_id, UUID(sold.plan["id"]))
        assert sold_plan is not None
        assert plan.content == dump_json(view_plan(read_contents(session, sold_plan)))
        subscribed = find_subscription(session, organization_id, subscription_id)
        assert subscribed is not None
        view = dump_json(view_one(session, subscribed))
    assert subscription.content.startswith(view[:-1] + b',"plan":{')
    assert [one["lookup_key"] for one in subscription.json()["plan"]["features"]] == ["api_calls"]


def test_what_belongs_to_an_invoice_is_that_of_the_rows(owner: Person, context: AppContext) -> None:
    sold = sell(owner)
    at_home = {"billing_address_country": "US"}
    owner.patch(f"{V1}/customers/{sold.customer['id']}", json=at_home)
    items = [{"description": "Work", "quantity": "2.50", "unit_amount": "100.333333333333333333"}]
    more = {"customer_id": sold.customer["id"], "currency": "USD"}
    more |= {"due_date": "2026-04-01T00:00:00Z"}
    [empty, full] = [post(owner, "/invoices", more | {"line_items": items * 2}) for _ in range(2)]
    path = f"/invoices/{full['id']}"
    post(owner, f"{path}/finalize", {})
    for amount, line in zip(("1.5", "10"), full["line_items"], strict=True):
        post(owner, f"{path}/payments", {"amount": amount, "reference": f"FT-{amount}"})
        given = {"line_id": line["id"], "amount": amount}
        post(owner, f"{path}/credit-notes", {"reason": "goodwill", "lines": [given]})
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])
    invoice_id = UUID(full["id"])

    payments, notes = (owner.get(f"{V1}{path}/{of}") for of in ("payments", "credit-notes"))

    with context.transactions.for_organization(organization_id) as session:
        paid = list_of_invoice(session, organization_id, invoice_id)
        made = list_credit_notes(session, organization_id, invoice_id)
        lines = list_credit_lines(session, organization_id, [one.id for one in made])
        assert len(paid) == len(made) == len(lines) == 2
        assert payments.content == dump_json({"data": [view_payment(one) for one in paid]})
        assert notes.content == dump_json({"data": [view_credit_note(one, lines) for one in made]})
    for of in ("payments", "credit-notes"):
        assert owner.get(f"{V1}/invoices/{empty['id']}/{of}").json() == {"data": []}


def test_an_invoice_is_found_by_its_number_also_for_what_belongs_to_it(owner: Person) -> None:
    sold = sell(owner)
    at_home = {"billing_address_country": "US"}
    owner.patch(f"{V1}/customers/{sold.customer['id']}", json=at_home)
    items = [{"description": "Work", "quantity": 1, "unit_amount": 10}]
    body = {"customer_id": sold.customer["id"], "currency": "USD", "line_items": items}
    body |= {"due_date": "2026-04-01T00:00:00Z"}
    made = post(owner, "/invoices", body)
    number = post(owner, f"/invoices/{made['id']}/finalize", {})["invoice_number"]
    paid = post(owner, f"/invoices/{made['id']}/payments", {"amount": 3})

    [listed] = owner.get(f"{V1}/invoices/{number}/payments").json()["data"]

    assert listed == paid
    assert owner.get(f"{V1}/invoices/{number}/credit-notes").json() == {"data": []}


def test_deleted_plan_and_customer_are_not_found(owner: Person) -> None:
    sold = sell(owner)
    for path in (f"{V1}/customers/{sold.customer['id']}", f"{V1}/plans/{sold.plan['id']}"):
        assert owner.delete(path).status_code == 204

        answer = owner.get(path)

        noun = "customer" if "customers" in path else "plan"
        assert (answer.status_code, answer.json()["code"]) == (404, f"{noun}_not_found")
