"""A customer is erased: what names them is in no table, history or line of a log any more.

*Source: FAULTS section 2, Personal data.*
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import Client

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.invoicing import receipt_checks
from services.invoicing.receipt_checks import Place
from services.personal_data.inventory import Fate, read_inventory
from tests.scenarios.account import PREFIX, Account, Refused
from tests.scenarios.canaries import Canaries
from tests.scenarios.product import Product

JUNE = "2025-06-15T00:00:00Z"

WRITTEN = {
    *("customer.name", "customer.email", "customer.external_id", "customer.tax_id"),
    *("usage_event.meta_data", "usage_event.idempotency_key", "usage_event.distinct_value"),
    *("usage_event_key.idempotency_key", "usage_distinct.value_hash", "email.recipient"),
    *("idempotency_request.body", "refund.reason", "subscription.cancel_reason"),
}
"""Columns in which words stand before they are erased."""


class Person:
    """A customer of an organization, who left words of theirs wherever words can be left."""

    def __init__(self, account: Account, canaries: Canaries) -> None:
        self.account, self.canaries = account, canaries
        word = canaries.word
        self.external_id = word("external_id")
        self.clock = account.create_clock("2025-05-01T00:00:00Z")
        details = {
            name: word(name)
            for name in (
                "name",
                "phone",
                "billing_address_line1",
                "billing_address_city",
                "billing_address_state",
                "billing_address_postal_code",
                "tax_id",
                "buyer_reference",
            )
        }
        details |= {
            "email": f"{word('email')}@example.com",
            "billing_address_country": "DE",
            "external_id": self.external_id,
            "test_clock_id": self.clock["id"],
        }
        self.customer = account.post("/customers", details, headers={"Idempotency-Key": "made"})
        self.path = f"/customers/{self.customer['id']}"

    def live(self) -> None:
        """They use what they bought, are billed, pay, complain and leave."""
        account = self.account
        account.post("/webhook-endpoints", {"url": "https://hooks.example.com/in", "events": ["*"]})
        calls = account.create_meter("calls")
        people = account.create_meter(
            "people", property_name="person", aggregation_type="UNIQUE_COUNT"
        )
        plan = account.create_plan()
        account.add_usage_charge(plan, calls["meter_id"])
        account.add_usage_charge(plan, people["meter_id"], unit_price=1)
        self.subscription = account.subscribe(self.customer, plan, "2025-05-01T00:00:00Z")
        account.advance(self.clock, "2025-05-20T00:00:00Z")
        self.use()
        account.advance(self.clock, "2025-06-02T00:00:00Z")
        [self.invoice] = account.invoices(self.subscription)
        self.cancel()
        self.pay()

    def use(self) -> None:
        word = self.canaries.word
        events = [
            {
                "meter_name": meter,
                "customer_external_id": self.external_id,
                "timestamp": f"2025-05-{day:02}T10:20:00Z",
                "idempotency_key": word(f"key_{meter}_{day}"),
                "properties": {
                    "calls": 100,
                    "person": word(f"person_{day % 3}"),
                    "note": word(f"note_{meter}_{day}"),
                },
            }
            for meter in ("calls", "people")
            for day in (3, 4, 5, 6, 7)
        ]
        stored = self.account.post("/usage/batch", events)
        assert stored["accepted"] == 10

    def cancel(self) -> None:
        body = {"reason": self.canaries.word("cancel_reason"), "cancel_at_period_end": False}
        self.account.post(f"/subscriptions/{self.subscription['id']}/cancel", body)
        self.account.advance(self.clock, JUNE)

    def pay(self) -> None:
        account, word = self.account, self.canaries.word
        for invoice in account.get(f"{self.path}/invoices")["data"]:
            if invoice["status"] == "DRAFT":
                account.post(f"/invoices/{invoice['id']}/finalize")
        path = f"/invoices/{self.invoice['id']}"
        credited = {"line_id": self.invoice["line_items"][0]["id"], "amount": "0.10"}
        account.post(f"{path}/credit-notes", {"reason": word("credited"), "lines": [credited]})
        account.post(f"{path}/send-email", headers={"Idempotency-Key": "mailed"})
        account.post(f"{path}/generate-token")
        by_hand = {"method": "bank_transfer", "reference": word("transfer")}
        for invoice in account.get(f"{self.path}/invoices")["data"]:
            if invoice["status"] == "OPEN":
                due = {"amount": invoice["amount_due"], **by_hand}
                payment = account.post(f"/invoices/{invoice['id']}/payments", due)
        back = {"amount": "0.05", "reason": word("refund_reason")}
        account.post(f"/payments/{payment['id']}/refund", back)
        open_again = account.get(f"/invoices/{payment['invoice_id']}")
        if open_again["status"] == "OPEN":
            account.post(f"/invoices/{open_again['id']}/payments", by_hand | {"amount": "0.05"})


@pytest.fixture
def canaries() -> Canaries:
    """Words of this test."""
    return Canaries()


@pytest.fixture
def person(account: Account, canaries: Canaries) -> Person:
    """Somebody who was a customer, and is none any more."""
    made = Person(account, canaries)
    made.live()
    return made


@pytest.fixture
def transactions(product: Product) -> Iterator[Transactions]:
    """Transactions on the product's database."""
    assert product.settings.database_url
    engine = create_application_engine(product.settings.database_url, pool_size=1)
    yield Transactions(engine)
    engine.dispose()


def test_after_an_erasure_only_issued_documents_name_the_customer(
    product: Product, person: Person, canaries: Canaries, capfd: pytest.CaptureFixture[str]
) -> None:
    assert product.settings.database_url
    before = canaries.find_in_tables(product.settings.database_url)
    assert before.keys() >= WRITTEN

    answer = person.account.post(
        f"/customers/{person.external_id}/erase",
        {"confirm": person.external_id},
        headers={"Idempotency-Key": "erased"},
    )

    assert (answer["status"], answer["kept_invoices"]) == ("completed", 2)
    assert answer["documents_kept_until"] == "2036-01-01T00:00:00Z"
    found = canaries.find_in_tables(product.settings.database_url)
    kept = read_inventory().with_fate(Fate.KEPT)
    assert {place: words for place, words in found.items() if place not in kept} == {}
    assert found.keys() == {"invoice_parties.parties", "credit_note.reason", "payment.reference"}
    histories = asyncio.run(read_histories(product, person.account.organization["id"]))
    assert len(histories) >= 1
    assert {words for one in histories for words in canaries.find_in(one.encode())} == set()
    written = capfd.readouterr()
    assert canaries.find_in((written.out + written.err).encode()) == set()


def test_bills_and_receipts_of_the_erased_are_what_they_were(
    person: Person, transactions: Transactions
) -> None:
    account, path = person.account, f"/invoices/{person.invoice['id']}"
    shown, text = account.get(path), account.get(f"{path}/text")
    receipt = account.get(f"{path}/receipt.json")

    account.post(f"{person.path}/erase", {"confirm": person.external_id})

    assert account.post(f"{path}/verify")["result"] == "equal"
    assert account.get(path)["line_items"] == shown["line_items"]
    assert account.get(f"{path}/text") == text
    assert account.get(f"{path}/receipt.json") == receipt
    organization_id = UUID(account.organization["id"])
    with transactions.for_organization(organization_id) as session:
        page = receipt_checks.check_page(session, organization_id, Place(), limit=50)
    assert page.count == 2
    assert page.flaws == ()
    exported = read_lines(account, f"{path}/events.ndjson")
    assert len({json.loads(one)["distinct"] for one in exported} - {None}) == 3
    assert {json.loads(one)["idempotency_key"] for one in exported} == {None}


def test_what_goes_on_is_named_and_nothing_is_erased(account: Account) -> None:
    customer = account.create_customer()
    plan = account.create_plan()
    subscription = account.subscribe(customer, plan, "2026-01-01T00:00:00Z")

    with pytest.raises(Refused, match="customer_not_ended") as refused:
        account.post(f"/customers/{customer['id']}/erase", {"confirm": "acct_77"})

    assert f"subscription {subscription['id']}" in refused.value.body["detail"]
    assert account.get("/customers/acct_77")["email"] == "ap@harbor.test"


def test_an_erasure_is_confirmed_and_may_be_asked_for_again(account: Account) -> None:
    customer = account.create_customer()
    path = f"/customers/{customer['id']}/erase"
    with pytest.raises(Refused, match="confirmation_differs"):
        account.post(path, {"confirm": "acct_78"})

    first = account.post(path, {"confirm": "ap@harbor.test"})
    again = account.post(path, {"confirm": "ap@harbor.test"})

    assert first == again
    assert first["documents_kept_until"] is None
    with pytest.raises(Refused, match="customer_not_found"):
        account.get(f"/customers/{customer['id']}")
    assert account.create_customer()["external_id"] == "acct_77", "the name is free"


def test_a_customer_gets_everything_that_is_held_about_them(
    product: Product, person: Person, canaries: Canaries
) -> None:
    assert product.settings.database_url
    held = canaries.find_in_tables(product.settings.database_url)

    lines = read_lines(person.account, f"{person.path}/personal-data")

    head, *records, end = map(json.loads, lines)
    assert head["record"]["customer_id"] == person.customer["id"]
    assert end == {"kind": "end", "record": {"records": len(records)}}
    words = canaries.find_in("\n".join(lines).encode())
    assert {word for places in held.values() for word in places} <= words
    assert sum(one["kind"] == "usage_event" for one in records) == 10


def read_lines(account: Account, path: str) -> list[str]:
    """The lines of a file that is sent a line at a time."""
    answer = account.client.get(f"{PREFIX}{path}")
    assert answer.status_code == 200, answer.text
    return answer.text.splitlines()


async def read_histories(product: Product, organization_id: str) -> list[str]:
    """Everything that Temporal knows of the organization's workflows."""
    assert product.settings.temporal_address
    client = await Client.connect(product.settings.temporal_address)
    found: list[str] = []
    async for execution in client.list_workflows(f"BillingOrg = '{organization_id}'"):
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        history = await handle.fetch_history()
        described = await handle.describe()
        events: dict[str, Any] = history.to_json_dict()
        payloads = b"".join(one.SerializeToString() for one in history.events)
        found.append(
            json.dumps(events) + str(described.raw_description) + payloads.decode("latin-1")
        )
    return found
