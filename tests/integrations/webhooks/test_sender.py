"""A body is posted within bounds, to the very address that was looked at."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest

from billing.notifications.receivers import Address
from integrations.webhooks import transport
from integrations.webhooks.sender import WebhookSender
from tests.integrations.names import NOT_ALL_PUBLIC, Names
from tests.receivers import receiving

NOTHING: Mapping[str, str] = {}


async def test_a_receiver_that_hangs_is_left_in_time() -> None:
    with receiving(hangs_seconds=30) as receiver:
        began = time.monotonic()
        answer = await WebhookSender(may_be_private=True, within_seconds=0.3).post(
            receiver.url, b"{}", NOTHING
        )

    assert (answer.is_success, answer.response_code) == (False, None)
    assert answer.error == "No answer within 0.3 seconds."
    assert time.monotonic() - began < 2


async def test_a_receiver_that_never_takes_the_connection_is_left_in_time() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)  # nobody accepts, and nobody answers
        port = listener.getsockname()[1]
        answer = await WebhookSender(may_be_private=True, within_seconds=0.3).post(
            f"http://127.0.0.1:{port}/", b"{}", NOTHING
        )

    assert answer.error == "No answer within 0.3 seconds."


async def test_an_endless_answer_is_not_read() -> None:
    with receiving(floods=True) as receiver:
        answer = await WebhookSender(may_be_private=True).post(receiver.url, b"{}", NOTHING)
        receiver.ends.wait(0.2)

        assert answer.is_success
        # What the sockets of both sides hold at most, and no more.
        assert receiver.sent_bytes < 16 * 1024 * 1024


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    with receiving() as inner, receiving(status=status, headers={"Location": inner.url}) as outer:
        answer = await WebhookSender(may_be_private=True).post(outer.url, b"{}", NOTHING)

    assert answer.response_code == status
    assert answer.error == f"The receiver answered {status}; redirects are not followed."
    assert (len(outer.bodies), inner.bodies) == (1, [])


async def test_nobody_at_the_address_is_an_answer_too() -> None:
    with receiving() as receiver:
        url = receiver.url
    answer = await WebhookSender(may_be_private=True).post(url, b"{}", NOTHING)

    assert answer.response_code is None
    assert answer.error is not None
    assert answer.error.startswith("ConnectError")


async def test_a_host_without_an_address_is_an_answer_too() -> None:
    answer = await WebhookSender().post("https://no-such-host.invalid/", b"{}", NOTHING)

    assert answer.response_code is None
    assert answer.error is not None
    assert answer.error.startswith("gaierror")


@pytest.mark.parametrize("addresses", NOT_ALL_PUBLIC)
async def test_a_name_with_any_private_address_is_refused(addresses: list[str]) -> None:
    names = Names([addresses])

    answer = await WebhookSender(resolve=names).post("https://hooks.test.example/", b"", NOTHING)

    assert answer.error is not None
    assert answer.error.startswith("Refused: The host has an address that is not")


async def test_a_name_that_changes_after_the_look_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The address that is looked at is public; the next look would give this machine's."""
    names = Names([["8.8.8.8"], ["127.0.0.1"]])
    connected: list[str] = []

    async def connect(_self: object, _request: object, _host: str, address: Address) -> None:
        connected.append(str(address))
        raise OSError("no way there from here")

    monkeypatch.setattr(transport.PublicTransport, "_connect", connect)

    await WebhookSender(resolve=names).post("https://rebinding.example/", b"", NOTHING)

    assert (names.asked, connected) == (["rebinding.example"], ["8.8.8.8"])


async def test_names_are_resolved_once_and_never_by_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only what the sender resolved is connected to, whatever the system would say of the name."""
    with receiving() as receiver:
        names = Names([["127.0.0.1"]])
        port = urlsplit(receiver.url).port
        answer = await WebhookSender(may_be_private=True, resolve=names).post(
            f"http://no-such-host.invalid:{port}/hook", b"{}", NOTHING
        )

    assert answer.is_success
    assert receiver.heads[0]["host"] == f"no-such-host.invalid:{port}"
    assert names.asked == ["no-such-host.invalid"]


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with receiving() as receiver:
        port = urlsplit(receiver.url).port
        answer = await WebhookSender(
            may_be_private=True, resolve=Names([["127.0.0.9", "127.0.0.1"]])
        ).post(f"http://hooks.example:{port}/hook", b"{}", NOTHING)

    assert answer.is_success


async def test_a_connection_that_leads_elsewhere_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receiving() as receiver:
        monkeypatch.setattr(transport, "ip_address", lambda _: ip_address("8.8.8.8"))
        answer = await WebhookSender(may_be_private=True).post(receiver.url, b"{}", NOTHING)

    assert answer.error is not None
    assert answer.error.startswith("Refused: The connection leads to another address")
