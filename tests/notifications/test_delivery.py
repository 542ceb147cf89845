"""From a fact to a receiver: what is queued is delivered, signed, listed and tried again."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import time_machine
from standardwebhooks.webhooks import Webhook

from billing.notifications.signatures import is_signed
from runtime.security import Security
from tests.api.sold import V1
from tests.passwords import QUICK
from tests.receivers import receiving
from tests.telling import Telling


def test_a_final_invoice_reaches_whoever_asked_for_it(telling: Telling) -> None:
    with receiving() as receiver:
        endpoint = telling.listen(receiver.url, "invoice.finalized")
        invoice = telling.finalized_invoice()

        telling.deliver()

    (told,) = telling.deliveries()
    assert json.loads(receiver.bodies[0]) == {
        "event": "invoice.finalized",
        "timestamp": "2026-03-02T08:00:00Z",
        "data": {
            "invoice_id": invoice["id"],
            "invoice_number": "INV-2026-0001",
            "customer_id": invoice["customer_id"],
            "customer_external_id": None,
            "subscription_id": None,
            "total": 25.0,
            "amount_due": 25.0,
            "currency": "USD",
            "status": "OPEN",
        },
    }
    assert b'"total":25.00' in receiver.bodies[0]
    assert told["status"] == "succeeded"
    assert (told["event"], told["endpoint_id"]) == ("invoice.finalized", endpoint["id"])
    assert (told["attempts"], told["response_code"], told["error"]) == (1, 200, None)
    assert told["next_attempt_at"] is None


def test_libraries_of_standard_webhooks_take_what_is_sent(telling: Telling) -> None:
    with receiving() as receiver:
        endpoint = telling.listen(receiver.url, "invoice.created")
        telling.draft_invoice()
        telling.deliver()

    body, head = receiver.bodies[0], receiver.heads[0]
    with time_machine.travel(telling.clock.instant, tick=False):
        Webhook(endpoint["signing_secret"]).verify(body, head)
    for secret in (endpoint["secret"], endpoint["signing_secret"]):
        assert is_signed(body, head, secret=secret, now=telling.clock())
        assert not is_signed(body + b" ", head, secret=secret, now=telling.clock())
    assert head["webhook-id"] == telling.deliveries()[0]["event_id"]
    assert head["content-type"] == "application/json"
    assert len(head["x-fluxrate-signature"]) == 64


def test_each_endpoint_is_told_of_what_it_asked_for(telling: Telling) -> None:
    with receiving() as some, receiving() as all_of_it:
        telling.listen(some.url, "invoice.paid", "invoice.voided")
        telling.listen(all_of_it.url)
        paid = telling.finalized_invoice()
        telling.post(f"/invoices/{paid['id']}/pay")

        telling.deliver()

    assert [json.loads(body)["event"] for body in some.bodies] == ["invoice.paid"]
    assert sorted(json.loads(body)["event"] for body in all_of_it.bodies) == [
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
    ]


def test_retries_come_at_the_documented_times_and_end(telling: Telling) -> None:
    with receiving(status=500) as receiver:
        telling.listen(receiver.url, "invoice.created")
        telling.draft_invoice()
        telling.deliver()
        for number, seconds in enumerate((30, 120, 600, 3600, 21600), start=1):
            (waiting,) = telling.deliveries(status="pending")
            due_at = telling.clock() + timedelta(seconds=seconds)
            assert datetime.fromisoformat(waiting["next_attempt_at"]) == due_at
            telling.clock.advance(seconds=seconds - 1)
            telling.deliver()
            assert len(receiver.bodies) == number
            telling.clock.advance(seconds=1)
            telling.deliver()
        telling.clock.advance(days=2)
        telling.deliver()

    (failed,) = telling.deliveries()
    assert (failed["status"], failed["attempts"], failed["response_code"]) == ("failed", 6, 500)
    assert failed["error"] == "The receiver answered 500."
    assert failed["next_attempt_at"] is None
    assert len(receiver.bodies) == 6
    assert len({head["webhook-id"] for head in receiver.heads}) == 1


def test_each_try_is_kept_with_the_beginning_of_its_answer(telling: Telling) -> None:
    with receiving(status=503, says="Come later: " + "x" * 5_000) as receiver:
        telling.listen(receiver.url, "invoice.created")
        telling.draft_invoice()
        telling.deliver()
        receiver.status, receiver.says = 200, "\0 thanks"
        telling.clock.advance(seconds=30)
        telling.deliver()

    (told,) = telling.deliveries()
    shown = telling.get(f"/webhook-deliveries/{told['id']}")
    assert shown["body"].encode() == receiver.bodies[0]
    assert [(one["number"], one["response_code"], one["error"]) for one in shown["tries"]] == [
        (1, 503, "The receiver answered 503."),
        (2, 200, None),
    ]
    first, second = (one["answer"] for one in shown["tries"])
    assert (first[:14], len(first), second) == ("Come later: xx", 1_000, "\ufffd thanks")
    assert shown["tries"][0]["at"] < shown["tries"][1]["at"]
    assert shown | {"body": None, "tries": None} == told | {"body": None, "tries": None}


def test_list_goes_on_from_the_newest(telling: Telling) -> None:
    with receiving() as receiver:
        telling.listen(receiver.url)
        for _ in range(3):
            telling.draft_invoice()
            telling.clock.advance(seconds=1)
        telling.deliver()

    oldest_first = [one["id"] for one in telling.deliveries()]
    listed: list[str] = []
    cursor = None
    while cursor is not None or not listed:
        query = {"page_size": 2, "newest_first": True} | ({"cursor": cursor} if cursor else {})
        answer = telling.owner.get(f"{V1}/webhook-deliveries", params=query).json()
        listed += [one["id"] for one in answer["data"]]
        cursor = answer["meta"]["next_cursor"]
    assert listed == oldest_first[::-1]


def test_a_receiver_that_recovers_is_told_then(telling: Telling) -> None:
    with receiving(status=503) as receiver:
        endpoint = telling.listen(receiver.url, "invoice.created")
        telling.draft_invoice()
        telling.deliver()
        failing = telling.get(f"/webhook-endpoints/{endpoint['id']}")
        receiver.status = 204
        telling.clock.advance(seconds=30)
        telling.deliver()

    assert failing["failing_since"] == "2026-03-02T08:00:00Z"
    assert telling.get(f"/webhook-endpoints/{endpoint['id']}")["failing_since"] is None
    (told,) = telling.deliveries()
    assert (told["status"], told["attempts"], told["response_code"]) == ("succeeded", 2, 204)


def test_a_replay_is_another_delivery_of_the_same_event(telling: Telling) -> None:
    with receiving() as receiver:
        telling.listen(receiver.url, "invoice.created")
        telling.draft_invoice()
        telling.deliver()
        (first,) = telling.deliveries()

        answer = telling.owner.post(f"/api/v1/webhook-deliveries/{first['id']}/replay")
        telling.deliver()

    again = answer.json()
    assert (answer.status_code, again["status"]) == (202, "pending")
    assert (again["replay_of"], again["event_id"]) == (first["id"], first["event_id"])
    assert again["id"] != first["id"]
    assert receiver.bodies[0] == receiver.bodies[1]
    assert receiver.heads[0]["webhook-id"] == receiver.heads[1]["webhook-id"]


def test_a_replay_that_is_asked_for_eight_times_at_once_is_one(telling: Telling) -> None:
    with receiving() as receiver:
        telling.listen(receiver.url, "invoice.created")
        telling.draft_invoice()
        telling.deliver()
        (first,) = telling.deliveries()
        path = f"/api/v1/webhook-deliveries/{first['id']}/replay"

        with ThreadPoolExecutor(8) as executor:
            answers = list(executor.map(lambda _: telling.owner.post(path), range(8)))
        telling.clock.advance(seconds=61)
        later = telling.owner.post(path)

    assert {one.status_code for one in answers} == {202}
    assert len({one.json()["id"] for one in answers}) == 1
    assert later.json()["id"] != answers[0].json()["id"]
    assert len(telling.deliveries()) == 3


def test_a_rotated_secret_signs_for_a_day_beside_the_new_one(telling: Telling) -> None:
    with receiving() as receiver:
        first = telling.listen(receiver.url, "invoice.created")
        second = telling.post(f"/webhook-endpoints/{first['id']}/rotate-secret")
        telling.draft_invoice()
        telling.deliver()
        telling.clock.advance(hours=24)
        telling.draft_invoice()
        telling.deliver()

    (early, late), (early_head, late_head) = receiver.bodies, receiver.heads
    with time_machine.travel(telling.clock.instant - timedelta(hours=24), tick=False):
        Webhook(first["signing_secret"]).verify(early, early_head)
        Webhook(second["signing_secret"]).verify(early, early_head)
    assert len(early_head["webhook-signature"].split()) == 2
    assert len(late_head["webhook-signature"].split()) == 1
    at = telling.clock()
    assert is_signed(late, late_head, secret=second["secret"], now=at)
    assert not is_signed(late, late_head, secret=first["secret"], now=at)
    # The documented signature is the new one's at once.
    early_at = at - timedelta(hours=24)
    assert is_signed(early, early_head, secret=second["secret"], now=early_at)
    assert not is_signed(early, early_head, secret=first["secret"], now=early_at)


def test_five_days_of_failures_disable_an_endpoint(telling: Telling) -> None:
    with receiving(status=500) as receiver:
        endpoint = telling.listen(receiver.url, "invoice.created")
        for _ in range(2):
            telling.draft_invoice()
            telling.deliver()
            telling.clock.advance(days=5)
        telling.draft_invoice()
        telling.deliver()

    shown = telling.get(f"/webhook-endpoints/{endpoint['id']}")
    assert (shown["enabled"], shown["disabled_at"]) == (False, "2026-03-07T08:00:00Z")
    assert {one["status"] for one in telling.deliveries()} == {"failed"}
    actions = [one["action"] for one in telling.get("/audit")["data"]]
    assert "webhook_endpoint.disabled" in actions
    enabled = telling.owner.patch(
        f"/api/v1/webhook-endpoints/{endpoint['id']}", json={"enabled": True}
    ).json()
    assert (enabled["enabled"], enabled["disabled_at"], enabled["failing_since"]) == (
        True,
        None,
        None,
    )


def test_what_no_key_opens_waits_for_the_key_and_holds_up_nothing(telling: Telling) -> None:
    with receiving() as receiver:
        telling.listen(receiver.url, "invoice.created")
        telling.draft_invoice()
        stranger = replace(telling, security=Security("another key" * 4, passwords=QUICK))
        stranger.deliver()
        assert receiver.bodies == []
        telling.clock.advance(minutes=1)
        telling.deliver()

    (told,) = telling.deliveries()
    assert (told["status"], told["attempts"]) == ("succeeded", 1)
