"""What the fast read shows is what the rows say."""

from __future__ import annotations

from uuid import UUID

from api.context import AppContext
from api.routers.invoicing.invoices import view_invoices
from api.transport.exact_json import dump_json
from repositories.invoicing.invoices import find_invoice
from tests.api.people import Person
from tests.api.sold import V1, post, sell


def make_invoice(owner: Person) -> tuple[UUID, dict[str, object]]:
    sold = sell(owner)
    post(
        owner,
        f"/plans/{sold.plan['id']}/charges",
        {
            "type": "USAGE",
            "meter_id": sold.feature["meter"]["id"],
            "pricing": {
                "model": "graduated",
                "tiers": [
                    {"up_to": 3, "unit_price": "0.1000000000000000001"},
                    {"up_to": None, "unit_price": "0.05"},
                ],
            },
        },
    )
    subscription = sold.subscribe("2025-12-01T00:00:00Z")
    sold.used("7.25", "2025-12-03T00:00:00.125Z")
    [bill, *_] = post(owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})["data"]
    return UUID(owner.get(f"{V1}/organization").json()["id"]), bill


def test_bytes_are_those_of_the_rows(owner: Person, context: AppContext) -> None:
    organization_id, bill = make_invoice(owner)
    bill["public_token"] = post(owner, f"/invoices/{bill['id']}/generate-token", {})["public_token"]

    shown = owner.get(f"{V1}/invoices/{bill['id']}")

    with context.transactions.for_organization(organization_id) as session:
        invoice = find_invoice(session, organization_id, UUID(str(bill["id"])))
        assert invoice is not None
        [view] = view_invoices(session, organization_id, [invoice])
    assert shown.content == dump_json(view)
    assert shown.json() == bill


def test_taxes_are_shown(owner: Person) -> None:
    post(owner, "/tax-rates", {"name": "VAT", "country": "GB", "percentage": 20})
    buyer = {"name": "Harbor", "email": "ap@harbor.test", "billing_address_country": "GB"}
    customer = post(owner, "/customers", buyer)
    line = {"description": "Data import", "quantity": 3, "unit_amount": 120}
    body = {"customer_id": customer["id"], "currency": "GBP", "due_date": "2026-04-01T00:00:00Z"}
    bill = post(owner, "/invoices", body | {"line_items": [line]})

    shown = owner.get(f"{V1}/invoices/{bill['id']}")

    assert shown.json() == bill
    assert [tax["amount"] for tax in shown.json()["taxes"]] == [72]


def test_link_is_shown_once_there_is_one(owner: Person) -> None:
    _, bill = make_invoice(owner)
    linked = post(owner, f"/invoices/{bill['id']}/generate-token", {})

    listed = owner.get(f"{V1}/invoices").json()["data"]

    assert (bill["public_token"], bill["payment_link"]) == (None, None)
    assert [one["public_token"] for one in listed if one["id"] == bill["id"]] == [
        linked["public_token"]
    ]
