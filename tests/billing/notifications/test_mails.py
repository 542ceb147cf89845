"""What all tries of a mail share, and which addresses a mail can be sent to."""

from __future__ import annotations

from uuid import UUID

import pytest

from billing.notifications.mails import Envelope, MailCause, key_of, mail_address, message_id_of

ABOUT = UUID(int=7)


def test_a_mail_is_named_by_its_cause_and_by_what_it_is_about() -> None:
    finalized = key_of(MailCause.FINALIZED, ABOUT)

    assert finalized == f"finalized.{ABOUT}"
    assert key_of(MailCause.REQUESTED, ABOUT, "2", "x") == f"requested.{ABOUT}.2.x"


@pytest.mark.parametrize(
    ("sender", "host"),
    [
        ("billing@lumenworks.test", "lumenworks.test"),
        ("a@b@lumenworks.test", "lumenworks.test"),
        ("billing@", "localhost"),
    ],
)
def test_every_try_of_a_mail_has_one_message_id(sender: str, host: str) -> None:
    assert message_id_of("finalized.7", sender) == f"<finalized.7@{host}>"


@pytest.mark.parametrize(
    ("email", "address"),
    [
        ("ap@harbor.test", "ap@harbor.test"),
        (" ap@harbor.test\n", "ap@harbor.test"),
        ("Ada.Lovelace+bills@Harbor.TEST.", "Ada.Lovelace+bills@harbor.test"),
        ("Жанна@bücher.example", "Жанна@xn--bcher-kva.example"),
        ("x@[harbor.test", None),
        ("a" * 64 + "@harbor.test", "a" * 64 + "@harbor.test"),
    ],
)
def test_the_host_of_an_address_has_one_spelling(email: str, address: str | None) -> None:
    assert mail_address(email) == address


@pytest.mark.parametrize(
    "email",
    [
        "",
        "harbor.test",
        "@harbor.test",
        ".ap@harbor.test",
        "ap.@harbor.test",
        "a..p@harbor.test",
        "a p@harbor.test",
        "a@p@harbor.test",
        '"a"@harbor.test',
        "ap@",
        "ap@-harbor.test",
        "ap@127.1",
        "a\u200bp@harbor.test",
        "ap\r\nBcc: x@harbor.test",
        "a" * 65 + "@harbor.test",
    ],
)
def test_no_mail_is_sent_to_what_could_be_read_in_two_ways(email: str) -> None:
    assert mail_address(email) is None


def test_an_envelope_needs_a_server_that_reads_its_addresses() -> None:
    assert Envelope(sender="a@b.test", recipient="c@d.test").is_ascii
    assert not Envelope(sender="a@b.test", recipient="Жанна@d.test").is_ascii
    assert not Envelope(sender="Жанна@b.test", recipient="c@d.test").is_ascii
