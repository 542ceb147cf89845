"""What anybody may ask: is this receipt true, which keys sign, and what an invoice counted.

*Source: CONTRACT section 6, Proof for anybody.*
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.access.address_limits import PROOFS
from api.app import create_app
from api.context import AppContext
from billing.invoicing.receipts import canonical_bytes
from services.receipts.signing import is_signed
from tests.api.access.furnished import V1, add_catalogue, add_customer, post, write_invoice
from tests.api.conftest import SECRET
from tests.api.people import Clock, Person
from tests.services.receipts_of import signing


@pytest.fixture
def app(context: AppContext, one_event_loop: BlockingPortal) -> Iterator[FastAPI]:
    """The application of a process that has the operator's key."""
    served = create_app(replace(context, transactions=signing(context.transactions, SECRET)))
    with one_event_loop.wrap_async_context_manager(served.router.lifespan_context(served)):
        yield served


def issue(person: Person) -> dict[str, Any]:
    customer = post(
        person, "/customers", name="Harbor", email="ap@harbor.test", billing_address_country="GB"
    )
    invoice = write_invoice(person, customer["id"], description="Import", quantity=3, unit_amount=4)
    post(person, f"/invoices/{invoice['id']}/finalize")
    receipt: dict[str, Any] = person.get(f"{V1}/invoices/{invoice['id']}/receipt").json()
    return receipt


def test_a_stranger_reads_the_verdict_and_nothing_of_the_customer(
    owner: Person, visitor: Person
) -> None:
    receipt = issue(owner)

    answer = visitor.get(f"/verify/{receipt['id']}.json")

    assert answer.status_code == 200
    told = answer.json()
    assert told.pop("checked_at").endswith("Z")
    assert told == {
        "invoice_number": receipt["invoice_number"],
        "total": "12",
        "currency": "USD",
        "inputs_digest": None,
        "lines_digest": receipt["lines_digest"],
        "signature": receipt["signature"],
        "verdict": "equal",
        "recomputed": False,
        "void": False,
    }


def test_a_stranger_hears_that_an_invoice_is_void(owner: Person, visitor: Person) -> None:
    receipt = issue(owner)
    owner.patch(f"{V1}/invoices/{receipt['invoice_id']}/status", json={"status": "VOID"})

    told = visitor.get(f"/verify/{receipt['id']}.json").json()

    assert (told["verdict"], told["void"]) == ("equal", True)


def test_the_published_key_signed_the_receipt(owner: Person, visitor: Person) -> None:
    receipt = issue(owner)

    answer = visitor.get(f"/.well-known/fluxrate-keys.json?key_id={receipt['key_id']}")
    [key] = answer.json()["keys"]

    message = {k: v for k, v in receipt.items() if k not in {"digest", "signature"}}
    assert is_signed(canonical_bytes(message), receipt["signature"], key["x"])
    assert (key["kty"], key["crv"], key["kid"]) == ("OKP", "Ed25519", receipt["key_id"])
    everybodys = visitor.get("/.well-known/fluxrate-keys.json").json()["keys"]
    assert key in everybodys


def test_a_rotated_key_stays_published(owner: Person, visitor: Person) -> None:
    former = issue(owner)["key_id"]
    newer = post(owner, "/organization/rotate-receipt-key")["key_id"]

    assert issue(owner)["key_id"] == newer != former
    published = visitor.get("/.well-known/fluxrate-keys.json").json()["keys"]
    assert {former, newer} <= {one["kid"] for one in published}


def test_all_keys_are_read_now_and_then(owner: Person, visitor: Person, clock: Clock) -> None:
    address = "/.well-known/fluxrate-keys.json"
    issue(owner)
    before = visitor.get(address).json()["keys"]
    newer = post(owner, "/organization/rotate-receipt-key")["key_id"]

    assert visitor.get(address).json()["keys"] == before
    assert len(visitor.get(f"{address}?key_id={newer}").json()["keys"]) == 1
    clock.advance(minutes=6)
    assert newer in {one["kid"] for one in visitor.get(address).json()["keys"]}


def test_an_unknown_receipt_is_not_found(visitor: Person) -> None:
    assert visitor.get(f"/verify/{uuid4()}.json").status_code == 404
    assert visitor.get("/verify/nothing.json").status_code == 422


def test_a_verdict_is_kept_for_a_while(owner: Person, visitor: Person, clock: Clock) -> None:
    receipt = issue(owner)
    address = f"/verify/{receipt['id']}.json"
    first = visitor.get(address).json()["checked_at"]

    assert visitor.get(address).json()["checked_at"] == first
    clock.advance(minutes=11)
    assert visitor.get(address).json()["checked_at"] > first


def test_an_address_asks_so_often_and_no_more(visitor: Person) -> None:
    answers = [visitor.get("/.well-known/fluxrate-keys.json") for _ in range(PROOFS + 1)]

    assert {one.status_code for one in answers[:-1]} == {200}
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "too_many_proofs")


def test_an_invoice_by_hand_counted_no_event(owner: Person) -> None:
    receipt = issue(owner)

    answer = owner.get(f"{V1}/invoices/{receipt['invoice_id']}/events.ndjson")

    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["content-type"] == "application/x-ndjson"
    file = owner.get(f"{V1}/invoices/{receipt['invoice_id']}/receipt.json")
    assert json.loads(file.content)["receipt"] == receipt


def test_what_an_invoice_counted_is_exported_and_each_of_it_proved(
    owner: Person, clock: Clock
) -> None:
    ids = add_customer(owner, add_catalogue(owner))
    clock.advance(minutes=5)
    [invoice] = post(owner, f"/subscriptions/{ids['subscription_id']}/generate-invoice")["data"]
    post(owner, f"/invoices/{invoice['id']}/finalize")

    exported = owner.get(f"{V1}/invoices/{invoice['id']}/events.ndjson").text
    [event] = [json.loads(line) for line in exported.splitlines()]
    proof = owner.get(f"{V1}/invoices/{invoice['id']}/events/{ids['event_id']}/proof").json()

    assert (event["id"], event["quantity"]) == (ids["event_id"], "2")
    assert proof["included"]
    assert proof["event"] == event
    assert proof["receipt"] == owner.get(f"{V1}/invoices/{invoice['id']}/receipt").json()
