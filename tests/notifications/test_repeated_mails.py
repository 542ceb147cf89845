"""Mails that are asked for once more: one mail, and those that failed each once again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from cli.mail import retry_all
from services.mail import requests
from tests.mail_servers import serving
from tests.telling import Telling


def retry(telling: Telling, after: str | None = None) -> dict[str, Any]:
    address = "/api/v1/emails/retry-failed" + (f"?after={after}" if after else "")
    answer = telling.owner.post(address)
    assert answer.status_code == 202
    return dict(answer.json())


def test_what_failed_is_sent_once_more_with_the_id_that_it_had(telling: Telling) -> None:
    with serving(message="550 No") as server:
        telling.set_up_mail(server)
        telling.finalized_invoice()
        telling.mail()
        (failed,) = telling.emails()
        server.message = "250 OK"
        answers = [retry(telling), retry(telling)]
        telling.mail()

    (sent,) = telling.emails()
    (mail,) = server.mails
    assert failed["status"] == "failed"
    assert [one["queued"] for one in answers] == [1, 0]
    assert (sent["id"], sent["status"], sent["attempts"], sent["error"]) == (
        *(failed["id"], "sent", 1),
        None,
    )
    assert mail["Message-ID"] == failed["message_id"]


def test_a_corrected_address_is_where_it_goes(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server)
        customer = telling.finalized_invoice()["customer_id"]
        telling.owner.patch(f"/api/v1/customers/{customer}", json={"email": "new@harbor.test"})
        server.message = "550 No"
        telling.mail()
        server.message = "250 OK"
        retry(telling)
        telling.mail()

    assert server.recipients[-1] == "new@harbor.test"


def test_without_a_server_each_says_why(telling: Telling) -> None:
    telling.finalized_invoice()

    answer = retry(telling)

    assert answer == {"queued": 0, "unsendable": 1, "next_after": None}
    assert telling.emails()[0]["error"].startswith("Mails need a server")


def test_of_several_about_one_invoice_the_last_is_sent(telling: Telling) -> None:
    invoice = telling.finalized_invoice()
    for _ in range(3):
        telling.post(f"/invoices/{invoice['id']}/send-email")
    with serving() as server:
        telling.set_up_mail(server)
        answer = retry(telling)
        telling.mail()
        again = retry(telling)

    assert (answer["queued"], again["queued"], len(server.taken)) == (1, 0, 1)
    assert [one["status"] for one in telling.emails()] == ["failed"] * 3 + ["sent"]


def test_a_request_queues_so_many_and_says_where_the_rest_begins(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MOST_RETRIED", 2)
    for _ in range(3):
        telling.finalized_invoice()

    first = retry(telling)
    second = retry(telling, after=first["next_after"])

    assert (first["unsendable"], second["unsendable"], second["next_after"]) == (2, 1, None)
    organization_id = UUID(telling.get("/organization")["id"])
    assert retry_all(telling.transactions, organization_id) == (0, 3)


def test_eight_at_once_queue_each_mail_once(telling: Telling) -> None:
    for _ in range(3):
        telling.finalized_invoice()
    with serving() as server:
        telling.set_up_mail(server)
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: retry(telling), range(8)))
        telling.mail()

    assert sum(one["queued"] for one in answers) == 3
    assert len(server.taken) == 3


@pytest.mark.parametrize("is_final", [False, True])
def test_eight_who_ask_at_once_have_asked_for_one_mail(telling: Telling, is_final: bool) -> None:
    with serving() as server:
        telling.set_up_mail(server, auto_email=False)
        invoice = telling.finalized_invoice() if is_final else telling.draft_invoice()
        path = f"/api/v1/invoices/{invoice['id']}/send-email"
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: telling.owner.post(path), range(8)))
        telling.mail()

    assert {one.status_code for one in answers} == {200}
    (sent,) = telling.emails()
    assert (sent["cause"], sent["status"]) == ("requested" if is_final else "finalized", "sent")
    assert len(server.taken) == 1
    entries = telling.get("/audit?page_size=100")["data"]
    actions = [one["action"] for one in entries]
    assert (actions.count("invoice.emailed"), actions.count("invoice.finalized")) == (1, 1)
