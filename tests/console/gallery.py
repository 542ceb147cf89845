"""One customer with something of everything that pages show."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

from tests.api.people import Clock, Person
from tests.api.sold import V1, add_feature, add_plan, grant_feature, post
from tests.console.billed import link

LOGO: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 14"><path fill="#3b46c4"'
    ' fill-rule="evenodd" d="M0 0h14v14H0zM4 4v6h6z"/><path fill="#8f97e8" d="M18 0h14v14z"/>'
    '<path fill="#3b46c4" d="M36 14V0h4v10h8v4z"/></svg>'
)
SELLER: Final = {
    "legal_name": "Lumen Works GmbH",
    "tax_id": "DE136695976",
    "registration_number": "HRB 1234 B",
    "billing_address_line1": "Torstraße 1",
    "billing_address_city": "Berlin",
    "billing_address_postal_code": "10119",
    "billing_address_country": "DE",
    "bank_details": {"account_name": "Lumen Works GmbH", "iban": "DE89370400440532013000"},
}
TIERS: Final = [
    {"up_to": 1_000, "unit_price": 0.004},
    {"up_to": 10_000, "unit_price": 0.002},
    {"up_to": None, "unit_price": 0.001},
]


@dataclass(frozen=True, slots=True)
class Gallery:
    """The addresses of the pages, and what is shown on them."""

    invoice: str
    account: str
    embedded: str
    receipt: str
    number: str


def furnish(owner: Person, clock: Clock, *, host: str) -> Gallery:
    """February is billed, March runs until the 20th; pages of ``host`` may frame the portal."""
    picture = base64.b64encode(LOGO.encode()).decode()
    logo = f"data:image/svg+xml;base64,{picture}"
    owner.patch(f"{V1}/organization", json=SELLER | {"logo": logo, "embed_hosts": [host]})
    post(owner, "/tax-rates", {"name": "VAT", "country": "GB", "percentage": 20})
    customer, key = add_customer(owner), owner.make_key("usage.write")
    plan = add_plan(owner, name="Team", currency="GBP")
    meters = sell_meters(owner, plan)
    post(
        owner,
        f"/plans/{plan['id']}/charges",
        {"type": "FIXED", "unit_price": 49, "display_name": "Team plan"},
    )
    body = {"customer_id": customer, "plan_id": plan["id"], "start_date": "2026-02-01T00:00:00Z"}
    subscription = post(owner, "/subscriptions", body)
    use(owner, key, meters, "2026-02", range(1, 29))
    made = post(owner, f"/subscriptions/{subscription['id']}/generate-invoice", {})
    invoice = post(owner, f"/invoices/{made['data'][0]['id']}/finalize", {})
    address = link(owner, invoice)
    receipt = owner.get(f"{V1}/invoices/{invoice['id']}/receipt").json()
    for day in range(3, 21):
        clock.instant = clock.instant.replace(day=day, hour=18)
        use(owner, key, meters, "2026-03", range(day, day + 1))
    token = owner.post(
        f"{V1}/widget/token",
        json={"customer_external_id": "acct_77"},
        headers={"X-API-Key": key},
    ).json()["token"]
    return Gallery(
        invoice=address,
        account=f"/embed?token={token}",
        embedded=f"/embed/invoices/{invoice['id']}?token={token}",
        receipt=f"/verify/{receipt['id']}",
        number=str(invoice["invoice_number"]),
    )


def add_customer(owner: Person) -> str:
    """Who is billed."""
    body = {
        "name": "Harbor Labs Ltd",
        "email": "ap@harbor.test",
        "external_id": "acct_77",
        "billing_address_line1": "12 Quay Street",
        "billing_address_city": "Dover",
        "billing_address_postal_code": "CT16 1AA",
        "billing_address_country": "GB",
        "tax_id": "GB330331015",
        "buyer_reference": "PO 4711",
    }
    return str(post(owner, "/customers", body)["id"])


def sell_meters(owner: Person, plan: dict[str, Any]) -> list[str]:
    """Calls in tiers after an allowance, and storage for its greatest size; their meters' names."""
    calls = add_feature(owner, name="API calls")
    grant_feature(owner, plan, calls, usage_limit=20_000, is_soft_limit=True)
    storage = add_feature(
        owner,
        "storage",
        name="Storage, GB",
        meter_name="storage",
        aggregation_type="MAX",
    )
    grant_feature(owner, plan, storage, usage_limit=500, is_soft_limit=True)
    support = add_feature(owner, "support", name="Support", type="custom")
    grant_feature(owner, plan, support, static_value="Within one working day")
    switch = add_feature(owner, "sso", name="Single sign-on", type="switch")
    grant_feature(owner, plan, switch)
    charges = f"/plans/{plan['id']}/charges"
    tiers = {"model": "graduated", "tiers": TIERS}
    of_calls = {"type": "USAGE", "meter_id": calls["meter"]["id"], "pricing": tiers}
    post(owner, charges, of_calls | {"included_units": 5_000})
    of_storage = {"type": "USAGE", "meter_id": storage["meter"]["id"], "unit_price": 0.12}
    post(owner, charges, of_storage | {"included_units": 0})
    return ["api_calls", "storage"]


def use(owner: Person, key: str, meters: list[str], month: str, days: range) -> None:
    """Some calls and a growing storage on each of these days."""
    calls, storage = meters
    rows = [
        {
            "meter_name": meter,
            "customer_external_id": "acct_77",
            "quantity": quantity,
            "timestamp": f"{month}-{day:02}T09:{minute:02}:00Z",
            "idempotency_key": f"{meter}-{month}-{day:02}-{minute:02}",
        }
        for day in days
        for meter, minute, quantity in (
            (calls, 10, 310 + 97 * ((day * 5) % 7) - 60 * (day % 6 == 0)),
            (calls, 40, 120 + 41 * ((day * 3) % 5)),
            (storage, 0, 180 + 4 * day),
        )
    ]
    headers = {"X-API-Key": key}
    answer = owner.post(f"{V1}/usage/batch", json=rows, headers=headers)
    assert answer.json()["rejected"] == 0, answer.text
