"""What arrives: in the customer's language, as the organization writes it, and harmless."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mail_servers import serving
from tests.receivers import receiving
from tests.telling import Telling

TEMPLATES = "/api/v1/email-templates"
TEXTS = {
    "subject": "{{ title }}: {{ amount_due }}",
    "text": "Dear {{ buyer }}\n"
    "{% for row in totals %}\n{{ row.words }} {{ row.amount }}\n{% endfor %}",
    "html": "<p>Dear {{ buyer }}</p>",
}


def invoice_for(telling: Telling, **customer: Any) -> dict[str, Any]:
    """An invoice that became final for such a customer."""
    person = {"name": "Harbor Labs", "email": "ap@harbor.test", "billing_address_country": "US"}
    customer_id = telling.post("/customers", person | customer)["id"]
    draft = telling.post(
        "/invoices",
        {
            "customer_id": customer_id,
            "currency": "USD",
            "due_date": "2026-04-01T00:00:00Z",
            "line_items": [{"description": "Set-up", "quantity": 1, "unit_amount": 25}],
        },
    )
    return telling.post(f"/invoices/{draft['id']}/finalize")


@pytest.mark.parametrize(
    ("language", "subject", "said"),
    [
        ("en", "Invoice INV-2026-0001 from Lumen Works", "Hello Harbor Labs,"),
        ("de", "Rechnung INV-2026-0001 von Lumen Works", "Gesamtbetrag: 25,00 $"),
        ("fr", "Facture INV-2026-0001 de Lumen Works", "Bonjour Harbor Labs,"),
        ("es", "Factura INV-2026-0001 de Lumen Works", "Hola, Harbor Labs:"),
        ("ja", "Lumen Works からの請求書 INV-2026-0001", "Harbor Labs 御中"),
    ],
)
def test_a_customer_reads_a_mail_in_their_language(
    telling: Telling, language: str, subject: str, said: str
) -> None:
    with serving() as server:
        telling.set_up_mail(server)
        invoice_for(telling, language=language)
        telling.mail()

    (mail,) = server.mails
    text = mail.get_body(("plain",))
    assert text is not None
    assert (mail["Subject"], mail["Content-Language"]) == (subject, language)
    assert said in text.get_content().replace("\N{NO-BREAK SPACE}", " ")


def test_an_organization_writes_its_mails(telling: Telling) -> None:
    answer = telling.owner.put(f"{TEMPLATES}/invoice/en", json=TEXTS)
    (english, german) = (
        one
        for one in telling.get("/email-templates")["data"]
        if one["kind"] == "invoice" and one["language"] in ("en", "de")
    )
    with serving() as server:
        telling.set_up_mail(server)
        invoice_for(telling, name="Tom & <b>Ann</b>")
        telling.owner.delete(f"{TEMPLATES}/invoice/en")
        telling.clock.advance(minutes=1)
        invoice_for(telling)
        telling.mail()

    assert answer.status_code == 200
    assert answer.json() == english
    assert {name: english[name] for name in TEXTS} == TEXTS
    assert (english["is_default"], german["is_default"]) == (False, True)
    # The mail is written when it is sent: by then the default held again.
    assert {str(mail["Subject"]) for mail in server.mails} == {
        "Invoice INV-2026-0001 from Lumen Works",
        "Invoice INV-2026-0002 from Lumen Works",
    }


def test_a_template_of_the_organization_is_what_is_sent(telling: Telling) -> None:
    telling.owner.put(f"{TEMPLATES}/invoice/en", json=TEXTS)
    with serving() as server:
        telling.set_up_mail(server)
        invoice_for(telling, name="Tom & <b>Ann</b>")
        telling.mail()

    (mail,) = server.mails
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert mail["Subject"] == "Invoice INV-2026-0001: $25.00"
    assert text.get_content().splitlines()[:2] == ["Dear Tom & <b>Ann</b>", "Subtotal $25.00"]
    assert html.get_content().strip() == "<p>Dear Tom &amp; &lt;b&gt;Ann&lt;/b&gt;</p>"


@pytest.mark.parametrize("part", ["subject", "text", "html"])
@pytest.mark.parametrize("source", ["{{ smtp_password }}", "{{ title", "{{ ''.__class__ }}"])
def test_a_template_that_says_too_much_is_refused_and_its_part_named(
    telling: Telling, part: str, source: str
) -> None:
    answer = telling.owner.put(f"{TEMPLATES}/invoice/en", json=TEXTS | {part: source})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_template")
    assert answer.json()["errors"][0]["field"] == part


@pytest.mark.parametrize("path", ["invoice/tlh", "receipt/en"])
def test_there_are_templates_of_kinds_and_languages_that_exist(telling: Telling, path: str) -> None:
    assert telling.owner.put(f"{TEMPLATES}/{path}", json=TEXTS).status_code == 422


@pytest.mark.parametrize(
    "name",
    ["Harbor\r\nBcc: all@harbor.test", "<script>alert(1)</script>", "{{ seller }}", "=cmd()"],
)
def test_a_name_of_a_customer_does_nothing(telling: Telling, name: str) -> None:
    with serving() as server:
        telling.set_up_mail(server)
        invoice_for(telling, name=name)
        telling.mail()

    (mail,) = server.mails
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert mail["Bcc"] is None
    assert server.recipients == ["ap@harbor.test"]
    assert [one.addr_spec for one in mail["To"].addresses] == ["ap@harbor.test"]


def test_a_customer_without_a_mailbox_has_an_invoice_all_the_same(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server)
        invoice = invoice_for(telling, email="a,b@harbor.test")
        telling.mail()

    (row,) = telling.get(f"/invoices/{invoice['id']}/emails")["data"]
    assert invoice["status"] == "OPEN"
    assert (row["status"], row["attempts"]) == ("failed", 0)
    assert row["error"] == "This is no address that mails can be sent to."


@pytest.mark.parametrize("is_sandbox", [False, True], ids=["", "of a sandbox"])
def test_owners_learn_that_an_endpoint_was_disabled(telling: Telling, is_sandbox: bool) -> None:
    """Those of a sandbox are the owners of the organization whose twin it is."""
    if is_sandbox:
        twin = telling.post("/organization/sandbox")["id"]
        telling.owner.headers["Fluxrate-Organization"] = twin
    with serving() as server, receiving(status=500) as receiver:
        telling.set_up_mail(server, auto_email=False, document_language="de")
        endpoint = telling.listen(receiver.url, "invoice.created")
        for _ in range(2):
            telling.draft_invoice()
            telling.deliver()
            telling.clock.advance(days=5)
        telling.draft_invoice()
        telling.deliver()
        telling.mail()

    assert telling.get(f"/webhook-endpoints/{endpoint['id']}")["enabled"] is False
    (row,) = telling.emails()
    (mail,) = server.mails
    text = mail.get_body(("plain",))
    assert text is not None
    assert (row["cause"], row["status"], row["to"]) == (
        "endpoint_disabled",
        "sent",
        telling.owner.email,
    )
    assert row["endpoint_id"] == endpoint["id"]
    assert mail["Subject"] == "Ein Webhook-Endpunkt wurde abgeschaltet"
    assert receiver.url in text.get_content()


def test_a_mail_says_where_the_invoice_has_its_page(telling: Telling) -> None:
    with serving(drops="taken") as server:
        telling.set_up_mail(server)
        invoice = invoice_for(telling)
        telling.mail()
        telling.clock.advance(seconds=30)
        telling.mail()

    token = telling.post(f"/invoices/{invoice['id']}/generate-token")["public_token"]
    text, html = (server.mails[0].get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert f"View it online: https://billing.example/p/{token}" in text.get_content()
    assert f'href="https://billing.example/p/{token}"' in html.get_content()
    # The second try says the same.
    assert server.taken[0] == server.taken[1]


def test_a_test_mail_arrives_and_says_from_whom(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server)
        row = telling.post("/organization/test-email", {"to": "me@lumenworks.test"})
        telling.mail()

    (mail,) = server.mails
    assert (row["status"], row["to"], row["cause"]) == ("queued", "me@lumenworks.test", "test")
    assert telling.get(f"/emails/{row['id']}")["status"] == "sent"
    assert mail["Subject"] == "A test mail from Lumen Works"
    assert [*mail.iter_attachments()] == []


def test_a_mail_of_a_moment_is_the_same_bytes_in_every_try(telling: Telling) -> None:
    with serving(drops="taken") as server:
        telling.set_up_mail(server)
        invoice_for(telling)
        telling.mail()
        telling.clock.advance(seconds=30)
        telling.mail()

    first, second = server.taken
    assert first == second
