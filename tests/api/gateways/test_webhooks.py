"""Webhooks of gateways: what is taken, what is refused, and that neither is ever a 5xx."""

from __future__ import annotations

import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from integrations.gateways.sandbox.ledger.outbox import SandboxLetter
from integrations.gateways.sandbox.signatures import HEADER
from tests.api.gateways.house import V1, House


def pay(house: House) -> tuple[str, list[SandboxLetter]]:
    """An invoice that was paid on its page, and the webhooks that say so."""
    invoice = house.finalize()
    house.press(invoice["payment_link"])
    return invoice["id"], house.letters()


def test_payment_on_the_page_settles_the_invoice(house: House) -> None:
    invoice_id, letters = pay(house)

    house.deliver(*letters)
    house.settle()

    paid = house.invoice(invoice_id)
    assert (paid["status"], paid["amount_paid"], paid["amount_due"]) == ("PAID", 120, 0)
    assert paid["payment_link"] is None
    [event] = house.events(status="processed")
    assert (event["type"], event["invoice_id"]) == ("payment.succeeded", invoice_id)
    assert [one["status"] for one in house.payments(invoice_id)] == ["succeeded"]


def test_webhook_is_stored_before_it_is_answered_and_worked_on_after(house: House) -> None:
    invoice_id, [letter] = pay(house)

    answer = house.post_webhook(letter.body, dict(letter.headers))

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert [one["status"] for one in house.events()] == ["received"]
    assert house.invoice(invoice_id)["status"] == "OPEN"
    house.ask()
    assert house.invoice(invoice_id)["status"] == "PAID"


def test_duplicates_at_once_are_one_event_and_one_payment(house: House) -> None:
    invoice_id, [letter] = pay(house)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: house.deliver(letter), range(8)))
    house.ask()
    house.deliver(letter)
    house.ask()

    assert house.answered == [200] * 9
    assert [one["status"] for one in house.events()] == ["processed"]
    assert [one["amount"] for one in house.payments(invoice_id)] == [120]


def test_what_is_not_of_the_gateway_is_refused_in_one_way(house: House) -> None:
    """Ten ways to be wrong, of which none is told from another."""
    invoice_id, [letter] = pay(house)
    headers, path = dict(letter.headers), house.webhook_path
    good = headers[HEADER]
    organization = f"tenant_{house.organization_id}"
    wrong = [
        (letter.body, {}, path),
        (letter.body, {HEADER: ""}, path),
        (letter.body, {HEADER: good[:-1] + ("0" if good[-1] != "0" else "1")}, path),
        (letter.body + b" ", headers, path),
        (b"", headers, path),
        (b"\xff\xfe", headers, path),
        (letter.body, headers, path.replace("/sandbox/", "/stripe/")),
        (letter.body, headers, path.replace("/sandbox/", "/paypal/")),
        (letter.body, headers, path.replace(organization, f"tenant_{uuid4()}")),
        (letter.body, headers, path.replace(house.connection["id"], str(uuid4()))),
    ]

    answers = [house.post_webhook(body, sent, place) for body, sent, place in wrong]

    said = {(one.status_code, one.json()["code"], one.json()["detail"]) for one in answers}
    assert said == {
        (400, "webhook_refused", "This is no webhook of a gateway that is connected here.")
    }
    assert {one.headers["content-type"] for one in answers} == {"application/problem+json"}
    assert house.events() == []
    assert house.invoice(invoice_id)["status"] == "OPEN"


def test_address_that_names_nothing_is_refused(house: House) -> None:
    places = [
        house.webhook_path.replace("tenant_", ""),
        house.webhook_path + "/more",
        house.webhook_path.replace(house.connection["id"], "here"),
        house.webhook_path.replace(str(house.organization_id), "here"),
    ]

    answers = [house.post_webhook(b"{}", {}, place).status_code for place in places]

    assert answers == [404, 404, 422, 422]


@pytest.mark.parametrize("seconds", [-301, 301])
def test_stale_webhook_is_refused(house: House, seconds: int) -> None:
    _, [letter] = pay(house)
    house.clock.advance(seconds=seconds)

    house.deliver(letter)

    assert house.answered == [400]


def test_webhook_that_is_too_large_is_refused_before_it_is_read(house: House) -> None:
    answer = house.post_webhook(b"x" * (1024 * 1024 + 1), {})

    assert answer.status_code == 413


def test_former_secret_proves_webhooks_for_a_day_and_no_longer(house: House) -> None:
    """The sandbox's secret cannot be given, so a Stripe connection stands for all."""
    body = {
        "provider": "stripe",
        "name": "Stripe",
        "secret_key": "sk_test_51HarborHarbor",
        "webhook_secret": "whsec_harborharbor",
    }
    created = house.owner.post(f"{V1}/connections", json=body).json()
    house.owner.patch(
        f"{V1}/connections/{created['id']}", json={"webhook_secret": "whsec_lighthouse"}
    )
    path = "/api/v1" + created["webhook_url"].split("/api/v1")[1]
    event = b'{"id":"evt_1","type":"ping","object":"event","created":1,"data":{"object":{}}}'

    def answer(secret: str) -> int:
        at = int(house.clock().timestamp())
        digest = hmac.new(secret.encode(), b"%d." % at + event, hashlib.sha256).hexdigest()
        sent = {"Stripe-Signature": f"t={at},v1={digest}"}
        return int(house.post_webhook(event, sent, path).status_code)

    secrets = ["whsec_harborharbor", "whsec_lighthouse", "whsec_nobodys"]
    assert [answer(one) for one in secrets] == [200, 200, 400]
    house.clock.advance(hours=24)
    assert [answer(one) for one in secrets] == [400, 200, 400]


def test_deleted_connection_is_still_heard_of(house: House) -> None:
    invoice_id, letters = pay(house)
    house.owner.delete(f"{V1}/connections/{house.connection['id']}")

    house.deliver(*letters)
    house.ask()

    assert house.answered == [200]
    assert house.invoice(invoice_id)["status"] == "PAID"


def test_address_that_is_refused_often_waits(house: House) -> None:
    answers = [house.post_webhook(b"{}", {}).status_code for _ in range(121)]

    assert answers == [400] * 120 + [429]
