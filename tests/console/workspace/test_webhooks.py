"""Webhooks: who listens, what was told, what each try was answered, and telling it again."""

from __future__ import annotations

import re
from typing import Any

import pytest
from httpx2 import Response

from billing.notifications.deliveries import Answer
from repositories.transactions import Transactions
from services.notifications import deliveries as told
from tests.api.people import Clock, Person
from tests.api.sold import V1, post
from tests.console.billed import buyer, issue
from tests.console.workspace.test_actions import forms_of

URL = "https://hooks.lumenworks.test/fluxrate"


@pytest.fixture
def endpoint(owner: Person) -> dict[str, Any]:
    """Somebody who listens to everything."""
    return post(owner, "/webhook-endpoints", {"url": URL, "events": ["invoice.finalized"]})


def send(owner: Person, page: str, ending: str, **typed: str) -> Response:
    """A form of a page, with what somebody typed."""
    [(address, fields)] = [one for one in forms_of(page).items() if one[0].endswith(ending)]
    return owner.post(address, data=fields | typed)


def tell(transactions: Transactions, clock: Clock, owner: Person) -> dict[str, Any]:
    """A bill was told of, and its receiver answered that it is busy."""
    issue(owner, buyer(owner))
    told.spread_events(transactions, now=clock())
    [made] = owner.get(f"{V1}/webhook-deliveries").json()["data"]
    return dict(made)


def fail(transactions: Transactions, clock: Clock, owner: Person, made: dict[str, Any]) -> None:
    letter = told.Letter(
        organization_id=owner.get(f"{V1}/organization").json()["id"],
        delivery_id=made["id"],
        endpoint_id=made["endpoint_id"],
        attempts=0,
        url=URL,
        body=b"{}",
        headers={},
    )
    answer = Answer(response_code=410, error="Gone.", beginning="<b>left</b>", is_final=True)
    with transactions.for_organization(letter.organization_id) as session:
        told.settle(session, letter, answer, now=clock())


def test_endpoint_is_made_and_its_secret_is_shown_once(owner: Person) -> None:
    page = owner.get("/console/webhooks").text
    assert "Nobody listens yet." in page

    made = send(owner, page, "/webhooks/listen", url=URL, events="invoice.paid, invoice.voided")

    assert made.status_code == 200
    [secret] = re.findall(r"<code>(whsec_[^<]+)</code>", made.text)
    [listening] = owner.get(f"{V1}/webhook-endpoints").json()["data"]
    assert listening["events"] == ["invoice.paid", "invoice.voided"]
    assert secret not in owner.get("/console/webhooks").text


def test_endpoint_stops_and_begins_again(owner: Person, endpoint: dict[str, Any]) -> None:
    for verb, enabled in (("disable", False), ("enable", True)):
        page = owner.get("/console/webhooks").text
        send(owner, page, f"/webhooks/endpoints/{endpoint['id']}/{verb}")
        shown = owner.get(f"{V1}/webhook-endpoints/{endpoint['id']}").json()
        assert shown["enabled"] is enabled


def test_delivery_shows_what_was_sent_and_what_each_try_was_answered(
    owner: Person, endpoint: dict[str, Any], transactions: Transactions, clock: Clock
) -> None:
    made = tell(transactions, clock, owner)
    fail(transactions, clock, owner, made)

    page = owner.get(f"/console/webhooks/{made['id']}").text

    assert "&lt;b&gt;left&lt;/b&gt;" in page
    assert "410" in page
    assert "INV-2026-0001" in page
    assert URL in page


def test_all_that_failed_is_delivered_again_once(
    owner: Person, endpoint: dict[str, Any], transactions: Transactions, clock: Clock
) -> None:
    made = tell(transactions, clock, owner)
    assert "/console/webhooks/replay" not in forms_of(owner.get("/console/webhooks").text)
    fail(transactions, clock, owner, made)
    page = owner.get("/console/webhooks?status=failed").text

    for _ in range(2):
        send(owner, page, "/console/webhooks/replay")

    again = owner.get(f"{V1}/webhook-deliveries?newest_first=true").json()["data"]
    assert [one["replay_of"] for one in again] == [made["id"], None]


def test_deliveries_are_narrowed_by_event_and_the_newest_comes_first(
    owner: Person, endpoint: dict[str, Any], transactions: Transactions, clock: Clock
) -> None:
    tell(transactions, clock, owner)

    assert "invoice.finalized" in owner.get("/console/webhooks?event=invoice.finalized").text
    assert "Nothing fits" in owner.get("/console/webhooks?event=invoice.paid").text
