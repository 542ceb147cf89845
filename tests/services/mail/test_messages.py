"""A mail is the same bytes every time, and what people are called makes no head of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from billing.notifications.mails import Envelope, mail_address
from services.mail.messages import Attachment, Mail, to_bytes

MAIL = Mail(
    message_id="<finalized.0190@lumenworks.test>",
    written_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
    envelope=Envelope(sender="billing@lumenworks.test", recipient="ap@harbor.test"),
    sender_name="Lumen Works",
    recipient_name="Harbor Labs",
    reply_to=None,
    language="en",
    subject="Invoice INV-2026-0001",
    text="Total: $82.45\n",
    html="<p>Total: $82.45</p>",
    attachment=Attachment(name="INV-2026-0001.pdf", content=b"%PDF-1.7 \x00\xff"),
)


def test_the_same_mail_is_the_same_bytes() -> None:
    assert to_bytes(MAIL) == to_bytes(replace(MAIL))
    assert to_bytes(MAIL) != to_bytes(replace(MAIL, text="Total: $82.46\n"))


@pytest.mark.parametrize("recipient", ["ap@harbor.test", "müller@harbor.test"])
def test_a_server_needs_nothing_beyond_ascii_for_the_parts(recipient: str) -> None:
    envelope = Envelope(sender="billing@lumenworks.test", recipient=recipient)
    words = replace(MAIL, text="An Müller\n", html="<p>An Müller</p>", envelope=envelope)

    _, _, parts = to_bytes(words).partition(b"\r\n\r\n")

    assert parts.isascii()
    assert b"8bit" not in parts
    text = message_from_bytes(to_bytes(words), policy=default).get_body(("plain",))
    assert text is not None
    assert text.get_content().strip() == "An Müller"


def test_parts_are_text_then_html_then_the_file() -> None:
    message = message_from_bytes(to_bytes(MAIL), policy=default)

    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]
    assert message["Date"] == "Mon, 02 Mar 2026 08:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert b"\n" not in to_bytes(MAIL).replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "name",
    [
        "Harbor\r\nBcc: all@harbor.test",
        "Harbor\nX-Header: 1\n\nBody",
        "Harbor\u2028Labs",
        "Harbor\x00\x0b\x0c\x85Labs",
        '"Harbor", <all@harbor.test>',
        "Harbor, Labs; (comment) <x>",
        "=?utf-8?q?Bcc=3A_all?=",
        "株式会社ハーバー",
        "Żółw & Fils S.A.",
        "شركة النور للتجارة العامة",
        "\u202egnirts",
        "=cmd()",
        "H" * 900,
    ],
    ids=ascii,
)
def test_a_name_is_a_name_and_adds_nothing(name: str) -> None:
    hostile = replace(MAIL, recipient_name=name, sender_name=name, subject=f"Invoice of {name}")

    message = message_from_bytes(to_bytes(hostile), policy=default)

    assert set(message.keys()) == set(message_from_bytes(to_bytes(MAIL), policy=default).keys())
    assert [one.addr_spec for one in message["To"].addresses] == ["ap@harbor.test"]
    assert [one.addr_spec for one in message["From"].addresses] == ["billing@lumenworks.test"]
    assert message["Subject"].startswith("Invoice of ")


@pytest.mark.parametrize(
    ("email", "sent_to"),
    [
        ("ap@harbor.test", "ap@harbor.test"),
        (" ap@Harbor.Test ", "ap@harbor.test"),
        ("ap+bills@bücher.example", "ap+bills@xn--bcher-kva.example"),
        ("müller@bücher.example", "müller@xn--bcher-kva.example"),
        ("ap@harbor.test\r\nRCPT TO:<x@y.test>", None),
        ("a,b@harbor.test", None),
        ("<ap@harbor.test>", None),
        ("ap@harbor.test>", None),
        ('"a b"@harbor.test', None),
        (".ap@harbor.test", None),
        ("a..p@harbor.test", None),
        ("ap@-harbor.test", None),
        ("ap@", None),
        ("@harbor.test", None),
        ("ap", None),
        ("a" * 65 + "@harbor.test", None),
        ("ap@" + "h" * 64 + ".test", None),
        ("ap\x00@harbor.test", None),
    ],
)
def test_an_address_is_one_that_a_server_takes_or_none(email: str, sent_to: str | None) -> None:
    assert mail_address(email) == sent_to


def test_an_address_that_is_not_ascii_is_written_as_it_is() -> None:
    envelope = Envelope(sender="billing@lumenworks.test", recipient="müller@xn--bcher-kva.example")

    message = to_bytes(replace(MAIL, envelope=envelope, recipient_name="Müller"))

    assert "To: Müller <müller@xn--bcher-kva.example>".encode() in message
