"""A mail is handed over within bounds, to the address that was looked at, and never unsafely."""

from __future__ import annotations

import socket
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from billing.errors import InvalidInput
from billing.notifications.mails import Envelope, MailServer
from billing.notifications.receivers import Address
from integrations.mail import sender as sending
from integrations.mail.sender import MailSender
from tests.integrations.names import NOT_ALL_PUBLIC, Names
from tests.mail_servers import certificate_for, serving, silent_server

ENVELOPE = Envelope(sender="billing@lumenworks.test", recipient="ap@harbor.test")
MAIL = b"Subject: Invoice\r\n\r\n$82.45\r\n"


async def compose() -> bytes:
    return MAIL


async def never_composed() -> bytes:
    raise AssertionError("nobody was there to take it")


def at(
    port: int, host: str = "127.0.0.1", *, use_tls: bool = False, login: bool = False
) -> MailServer:
    return MailServer(
        host=host,
        port=port,
        use_tls=use_tls,
        username="billing" if login else None,
        password="secret" if login else None,
    )


async def test_a_mail_is_taken_by_starttls_with_the_right_certificate(tmp_path: Path) -> None:
    served, trusted = certificate_for("mail.lumenworks.test", tmp_path)
    names = Names([["127.0.0.1"]])
    with serving(tls=served) as server:
        answer = await MailSender(may_be_private=True, resolve=names, trusts=trusted).send(
            at(server.port, "mail.lumenworks.test", use_tls=True, login=True), ENVELOPE, compose
        )

    assert answer.is_success, answer
    assert server.logins == [("billing", "secret")]
    assert server.taken == [MAIL]
    assert names.asked == ["mail.lumenworks.test"]


@pytest.mark.parametrize("is_trusted", [True, False], ids=["wrong name", "unknown issuer"])
async def test_a_wrong_certificate_gets_no_password_and_no_mail(
    tmp_path: Path, *, is_trusted: bool
) -> None:
    name = "another.lumenworks.test" if is_trusted else "mail.lumenworks.test"
    served, trusted = certificate_for(name, tmp_path)
    sender = MailSender(
        may_be_private=True,
        resolve=Names([["127.0.0.1"]]),
        trusts=trusted if is_trusted else None,
    )
    with serving(tls=served) as server:
        answer = await sender.send(
            at(server.port, "mail.lumenworks.test", use_tls=True, login=True),
            ENVELOPE,
            never_composed,
        )

    assert (answer.is_success, answer.is_final) == (False, False)
    assert answer.error is not None
    assert "certificate verify failed" in answer.error.lower()
    assert (server.logins, server.taken) == ([], [])


async def test_a_server_without_starttls_gets_no_password_and_no_mail() -> None:
    with serving() as server:
        answer = await MailSender(may_be_private=True).send(
            at(server.port, use_tls=True, login=True), ENVELOPE, never_composed
        )

    assert (answer.is_success, answer.is_final) == (False, False)
    assert (server.logins, server.taken) == ([], [])


async def test_a_server_that_offers_no_login_is_asked_for_none() -> None:
    with serving(offers_login=False) as server:
        answer = await MailSender(may_be_private=True).send(
            at(server.port, login=True), ENVELOPE, compose
        )

    assert answer.is_success, answer
    assert server.logins == []


async def test_a_wrong_password_is_final_and_says_so(tmp_path: Path) -> None:
    served, trusted = certificate_for("127.0.0.1", tmp_path)
    with serving(tls=served) as server:
        answer = await MailSender(may_be_private=True, trusts=trusted).send(
            MailServer(
                host="127.0.0.1",
                port=server.port,
                use_tls=True,
                username="billing",
                password="wrong",
            ),
            ENVELOPE,
            never_composed,
        )

    assert (answer.response_code, answer.is_final) == (535, True)
    assert "wrong" not in str(answer.error)


async def test_a_server_that_hangs_is_left_in_time() -> None:
    began = time.monotonic()
    with serving(hangs=True) as server, silent_server() as silent_port:
        for port in (server.port, silent_port):
            answer = await MailSender(may_be_private=True, within_seconds=0.5).send(
                at(port), ENVELOPE, never_composed
            )
            assert answer.error == "No answer within 0.5 seconds."
            assert not answer.is_final
    assert time.monotonic() - began < 4


async def test_nobody_at_the_address_is_an_answer_too() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = await MailSender(may_be_private=True).send(
            at(taken.getsockname()[1]), ENVELOPE, never_composed
        )

    assert answer.error is not None
    assert answer.error.startswith("ConnectionRefusedError")


@pytest.mark.parametrize("addresses", NOT_ALL_PUBLIC)
async def test_a_name_with_any_private_address_is_refused(addresses: list[str]) -> None:
    answer = await MailSender(resolve=Names([addresses])).send(
        at(587, "mail.test.example", use_tls=True), ENVELOPE, never_composed
    )

    assert answer.error is not None
    assert answer.error.startswith("Refused: The host has an address that is not")
    assert not answer.is_final


async def test_a_name_that_changes_after_the_look_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = Names([["8.8.8.8"], ["127.0.0.1"]])
    connected: list[str] = []

    async def connect(address: Address, _port: int) -> socket.socket:
        connected.append(str(address))
        raise OSError("no way there from here")

    monkeypatch.setattr(sending, "_connect_to", connect)
    await MailSender(resolve=names).send(
        at(587, "rebinding.example", use_tls=True), ENVELOPE, never_composed
    )

    assert (names.asked, connected) == (["rebinding.example"], ["8.8.8.8"])


async def test_a_password_goes_to_no_public_server_in_the_clear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where the settings were written by hand, or the operator's permission was taken back."""
    with serving() as server:
        real = sending._connect_to
        monkeypatch.setattr(
            sending, "_connect_to", lambda _address, port: real(ip_address("127.0.0.1"), port)
        )
        answer = await MailSender(resolve=Names([["8.8.8.8"]])).send(
            at(server.port, "mail.test.example", login=True), ENVELOPE, never_composed
        )

    assert answer.error == "Refused: A password is not sent without TLS."
    assert server.logins == []


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with serving() as server:
        answer = await MailSender(
            may_be_private=True, resolve=Names([["127.0.0.9", "127.0.0.1"]])
        ).send(at(server.port, "mail.test.example"), ENVELOPE, compose)

    assert answer.is_success


async def test_an_address_that_needs_smtputf8_is_sent_by_it() -> None:
    envelope = Envelope(sender="billing@lumenworks.test", recipient="müller@harbor.test")
    with serving() as server:
        answer = await MailSender(may_be_private=True).send(at(server.port), envelope, compose)

    assert answer.is_success, answer
    assert server.recipients == ["müller@harbor.test"]


async def test_a_mail_that_cannot_be_made_is_final() -> None:
    async def too_long() -> bytes:
        raise InvalidInput("The mail would be longer than allowed.")

    with serving() as server:
        answer = await MailSender(may_be_private=True).send(at(server.port), ENVELOPE, too_long)

    assert (answer.error, answer.is_final) == ("The mail would be longer than allowed.", True)
    assert server.taken == []
