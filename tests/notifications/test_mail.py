"""From an invoice to a mailbox: what is queued is sent, and its row says what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.mail_servers import serving
from tests.telling import Telling

PDF = b"%PDF-1.7"


def test_an_invoice_that_becomes_final_is_mailed_with_its_pdf(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server, smtp_reply_to="help@lumenworks.test")
        invoice = telling.finalized_invoice()
        (queued,) = telling.get(f"/invoices/{invoice['id']}/emails")["data"]
        telling.mail()

    (sent,) = telling.get(f"/invoices/{invoice['id']}/emails")["data"]
    (mail,) = server.mails
    assert (queued["status"], queued["attempts"], queued["sent_at"]) == ("queued", 0, None)
    assert (sent["status"], sent["attempts"], sent["error"]) == ("sent", 1, None)
    assert (sent["to"], sent["cause"]) == ("ap@harbor.test", "finalized")
    assert sent["sent_at"] == "2026-03-02T08:00:00Z"
    assert (server.senders, server.recipients) == (["billing@lumenworks.test"], ["ap@harbor.test"])
    assert mail["From"] == "Lumen Works Billing <billing@lumenworks.test>"
    assert mail["To"] == "Harbor Labs <ap@harbor.test>"
    assert mail["Reply-To"] == "help@lumenworks.test"
    assert mail["Subject"] == "Invoice INV-2026-0001 from Lumen Works"
    assert mail["Message-ID"] == sent["message_id"]
    assert invoice["id"] in sent["message_id"]
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Total: $25.00" in text.get_content()
    assert "$25.00 due April 1, 2026" in html.get_content()
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "INV-2026-0001.pdf"
    assert attached.get_content()[: len(PDF)] == PDF


def test_without_a_server_a_mail_is_a_row_that_failed(telling: Telling) -> None:
    invoice = telling.finalized_invoice()
    answer = telling.post(f"/invoices/{invoice['id']}/send-email")

    assert invoice["status"] == "OPEN"
    assert {one["status"] for one in telling.emails()} == {"failed"}
    assert answer == {
        "success": False,
        "message": "Mails need a server: set smtp_host and smtp_from_email of the organization.",
        "payment_link": None,
    }
    assert telling.emails()[0]["error"] == answer["message"]


def test_a_draft_that_is_sent_becomes_final_and_has_one_mail(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server)
        for wanted in (True, False):
            telling.owner.patch("/api/v1/organization", json={"auto_email": wanted})
            draft = telling.draft_invoice()
            answer = telling.post(f"/invoices/{draft['id']}/send-email")
            assert answer == {
                "success": True,
                "message": "Invoice email sent successfully",
                "payment_link": None,
            }
            assert telling.get(f"/invoices/{draft['id']}")["status"] == "OPEN"
        telling.mail()

    assert len(server.mails) == 2


def test_a_mail_is_asked_for_once_a_minute_and_again_after_it(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server, auto_email=False)
        invoice = telling.finalized_invoice()
        path = f"/invoices/{invoice['id']}/send-email"
        for _ in range(3):
            telling.post(path)
            telling.mail()
        telling.clock.advance(minutes=1)
        telling.post(path)
        telling.mail()

    assert [one["status"] for one in telling.emails()] == ["sent", "sent"]
    assert len({mail["Message-ID"] for mail in server.mails}) == 2


def test_a_repeated_request_is_the_mail_of_becoming_final(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server)
        draft, final = telling.draft_invoice(), telling.finalized_invoice()
        for invoice in (draft, draft, final):
            telling.post(f"/invoices/{invoice['id']}/send-email")
        telling.mail()
        for invoice in (draft, final):
            telling.post(f"/invoices/{invoice['id']}/send-email")
        telling.mail()

    assert [one["cause"] for one in telling.emails()] == ["finalized", "finalized"]
    assert len(server.taken) == 2


def test_a_minute_counts_from_when_a_mail_was_sent(telling: Telling) -> None:
    with serving(message="451 Try later") as server:
        telling.set_up_mail(server, auto_email=False)
        path = f"/invoices/{telling.finalized_invoice()['id']}/send-email"
        telling.post(path)
        telling.mail()
        server.message = "250 OK"
        telling.clock.advance(minutes=2)
        telling.mail()
        asked = []
        for seconds in (59, 1):
            telling.clock.advance(seconds=seconds)
            telling.post(path)
            telling.mail()
            asked.append([one["attempts"] for one in telling.emails()])

    assert asked == [[2], [2, 1]]


def test_a_void_invoice_is_not_sent(telling: Telling) -> None:
    invoice = telling.finalized_invoice()
    telling.owner.patch(f"/api/v1/invoices/{invoice['id']}/status", json={"status": "VOID"})

    answer = telling.owner.post(f"/api/v1/invoices/{invoice['id']}/send-email")

    assert (answer.status_code, answer.json()["code"]) == (409, "invoice_void")


def test_a_mail_that_waits_while_its_invoice_becomes_void_is_not_sent(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server)
        invoice = telling.finalized_invoice()
        telling.owner.patch(f"/api/v1/invoices/{invoice['id']}/status", json={"status": "VOID"})
        telling.mail()

    (failed,) = telling.emails()
    assert (failed["status"], failed["error"]) == ("failed", "The invoice is void.")
    assert (failed["attempts"], server.taken) == (1, [])


def test_a_credit_note_is_mailed_too(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server)
        invoice = telling.finalized_invoice()
        line = {"line_id": invoice["line_items"][0]["id"], "amount": 5}
        note = telling.post(
            f"/invoices/{invoice['id']}/credit-notes", {"reason": "Goodwill", "lines": [line]}
        )
        telling.mail()

    mails = {one["cause"]: one for one in telling.get(f"/invoices/{invoice['id']}/emails")["data"]}
    assert mails.keys() == {"finalized", "credit_note"}
    assert mails["credit_note"]["credit_note_id"] == note["id"]
    assert invoice["id"] in mails["credit_note"]["message_id"]
    subjects = {str(mail["Subject"]) for mail in server.mails}
    assert "Credit note CN-2026-0001 from Lumen Works" in subjects


def test_who_is_deferred_comes_again_at_the_webhook_times(telling: Telling) -> None:
    with serving(message="451 Try later") as server:
        telling.set_up_mail(server)
        telling.finalized_invoice()
        telling.mail()
        for number, seconds in enumerate((30, 120, 600, 3600, 21600), start=1):
            (waiting,) = telling.emails(status="queued")
            assert (waiting["attempts"], waiting["response_code"]) == (number, 451)
            due_at = telling.clock() + timedelta(seconds=seconds)
            assert datetime.fromisoformat(waiting["next_attempt_at"]) == due_at
            telling.clock.advance(seconds=seconds - 1)
            telling.mail()
            assert server.tries == number
            telling.clock.advance(seconds=1)
            telling.mail()

    (failed,) = telling.emails()
    assert (failed["status"], failed["attempts"]) == ("failed", 6)
    assert failed["error"] == "The server answered 451: Try later"


@pytest.mark.parametrize("moment", ["recipient", "message"])
def test_a_refusal_is_final(telling: Telling, moment: str) -> None:
    with serving() as server:
        setattr(server, moment, "550 No such user")
        telling.set_up_mail(server)
        telling.finalized_invoice()
        telling.mail()
        telling.clock.advance(days=1)
        telling.mail()

    (failed,) = telling.emails()
    assert (failed["status"], failed["attempts"], server.tries) == ("failed", 1, 1)
    assert (failed["response_code"], failed["next_attempt_at"]) == (550, None)
    assert failed["error"] == "The server answered 550: No such user"


@pytest.mark.parametrize("moment", ["rcpt", "data", "taken"])
def test_a_dropped_connection_is_tried_again(telling: Telling, moment: str) -> None:
    with serving(drops=moment) as server:
        telling.set_up_mail(server)
        telling.finalized_invoice()
        telling.mail()
        (waiting,) = telling.emails()
        server.drops = None
        telling.clock.advance(seconds=30)
        telling.mail()

    (sent,) = telling.emails()
    assert (waiting["status"], waiting["attempts"]) == ("queued", 1)
    assert waiting["error"]
    assert (sent["status"], sent["attempts"], sent["error"]) == ("sent", 2, None)
    # One that had the mail before it went away has the same mail twice, and can see that.
    assert len(server.taken) == (2 if moment == "taken" else 1)
    assert len({bytes(one) for one in server.taken}) == 1
