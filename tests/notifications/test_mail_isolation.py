"""One server delays no other organization, and no crash loses a mail or doubles it unseen."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import replace

import pytest
from fastapi import FastAPI

from billing.notifications.deliveries import Answer
from integrations.mail.sender import MailSender as SmtpSender
from runtime.relays import deliveries, mails
from runtime.relays.mails import ROOMS
from runtime.security import Security
from services.mail.deliveries import MailLetter, settle, take_due
from tests.api.people import Person
from tests.mail_servers import MailServer as FakeServer
from tests.mail_servers import serving, silent_server
from tests.notifications.mail_senders import Blocking, Dying, Making, Overtaken, Slow
from tests.notifications.test_isolation import until
from tests.passwords import QUICK
from tests.telling import ROOM_FOR_FOUR, Telling


def another(telling: Telling) -> Telling:
    """Another organization of the same installation."""
    assert isinstance(telling.owner.app, FastAPI)
    return replace(telling, owner=Person(telling.owner.app).sign_up("Harbor Systems"))


def send_by(telling: Telling, host: str, invoices: int) -> None:
    """The organization mails so many invoices by a server."""
    settings = {"smtp_host": host, "smtp_from_email": "billing@lumenworks.test"}
    assert telling.owner.patch("/api/v1/organization", json=settings).status_code == 200
    for _ in range(invoices):
        telling.finalized_invoice()


async def test_a_mail_that_is_being_made_holds_up_no_outcome(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = threading.Event()
    monkeypatch.setattr(mails, "compose", lambda *_, **__: made.wait(30))
    other = another(telling)
    await asyncio.to_thread(send_by, telling, "slow.test", 1)
    await asyncio.to_thread(send_by, other, "quick.test", 1)

    relay = telling.mail_relay(Making("slow.test"))
    try:
        async with asyncio.timeout(10):
            await relay.deliver_due()
            await until(lambda: other.emails()[0]["status"] == "sent")
    finally:
        made.set()
    await relay.finish()


async def test_a_process_that_ends_settles_what_its_servers_took(telling: Telling) -> None:
    await asyncio.to_thread(send_by, telling, "hanging.test", 1)
    sender = Blocking("hanging.test")
    running = asyncio.create_task(telling.mail_relay(sender).run())
    await until(lambda: sender.at_once["hanging.test"] == 1)

    running.cancel()
    await asyncio.sleep(0.1)
    sender.let_go.set()
    await asyncio.wait([running], timeout=30)

    (sent,) = await asyncio.to_thread(telling.emails)
    assert (sent["status"], sent["attempts"]) == ("sent", 1)


async def test_a_process_that_ends_waits_a_moment_only(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "LEAVING_SECONDS", 0.1)
    await asyncio.to_thread(send_by, telling, "hanging.test", 1)
    sender = Blocking("hanging.test")
    running = asyncio.create_task(telling.mail_relay(sender).run())
    await until(lambda: sender.at_once["hanging.test"] == 1)

    running.cancel()
    done, _ = await asyncio.wait([running], timeout=30)

    assert done == {running}


async def test_a_server_that_hangs_has_a_few_at_once_and_holds_up_no_other(
    telling: Telling,
) -> None:
    def prepare() -> None:
        send_by(telling, "hanging.test", 12)
        send_by(another(telling), "quick.test", 12)

    await asyncio.to_thread(prepare)
    sender = Blocking("hanging.test")
    relay = telling.mail_relay(sender, replace(ROOMS, at_once=6))
    running = asyncio.create_task(relay.run())
    async with asyncio.timeout(30):
        await until(lambda: len(sender.finished) == 12)
        assert set(sender.finished) == {"quick.test"}
        sender.let_go.set()
        await until(lambda: len(sender.finished) == 24)
        await relay.finish()
    running.cancel()

    assert max(sender.most_at_once.values()) <= ROOMS.to_each


def test_a_dead_server_delays_no_mail_of_others(telling: Telling) -> None:
    other = another(telling)
    with silent_server() as dead, serving() as alive:
        telling.owner.patch("/api/v1/organization", json=alive.settings | {"smtp_port": dead})
        other.set_up_mail(alive)
        for _ in range(8):
            telling.finalized_invoice()
            other.finalized_invoice()
        patient = SmtpSender(may_be_private=True, within_seconds=600)

        async def deliver() -> None:
            relay = telling.mail_relay(patient)
            running = asyncio.create_task(relay.run())
            await until(lambda: len(alive.taken) == 8)
            running.cancel()

        asyncio.run(asyncio.wait_for(deliver(), 60))

    # The dead one would be left after ten minutes: nobody waited for that.
    assert [one["attempts"] for one in telling.emails()] == [0] * 8


def test_what_a_process_took_to_its_grave_is_sent_again_as_the_same_mail(
    telling: Telling,
) -> None:
    for moment in ("before", "during", "after"):
        dying = Dying(moment)
        with serving() as server:
            telling.set_up_mail(server)
            telling.finalized_invoice()
            telling.mail(dying)
            taken = telling.emails()[-1]
            telling.clock.advance(seconds=119)
            telling.mail()
            assert server.taken == []
            telling.clock.advance(seconds=1)
            telling.mail()
        sent = telling.emails()[-1]
        assert (taken["status"], taken["attempts"]) == ("queued", 0)
        assert (sent["status"], sent["attempts"]) == ("sent", 1)
        assert len(server.taken) == 1
        # Who had it already has the very same bytes again.
        assert dying.taken in ([], server.taken)


def test_a_mail_that_another_process_sent_meanwhile_is_not_sent_again(telling: Telling) -> None:
    overtaken = Overtaken(telling)
    with serving() as server:
        telling.set_up_mail(server)
        telling.finalized_invoice()
        telling.mail(overtaken)

    (sent,) = telling.emails()
    assert (sent["status"], sent["attempts"]) == ("sent", 1)
    assert (len(server.taken), overtaken.taken) == (1, [])


def test_a_mail_that_was_made_late_is_not_sent_by_others_meanwhile(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server)
        telling.finalized_invoice()
        telling.mail(Slow(telling))
        taken = []
        for seconds in (119, 1):
            telling.clock.advance(seconds=seconds)
            telling.mail()
            taken.append(len(server.taken))

    assert taken == [0, 1]


def test_who_sent_it_later_than_somebody_else_changes_nothing(telling: Telling) -> None:
    send_by(telling, "mail.test", 1)
    first, second = _take(telling, after_seconds=0), _take(telling, after_seconds=120)
    assert len(first) == len(second) == 1

    for letter, answer in (
        (second[0], Answer(response_code=250)),
        (first[0], Answer(response_code=550, error="Late.", is_final=True)),
    ):
        with telling.transactions.for_organization(letter.organization_id) as session:
            settle(session, letter, answer, now=telling.clock())

    (sent,) = telling.emails()
    assert (sent["status"], sent["attempts"], sent["error"]) == ("sent", 1, None)


def test_a_password_that_no_key_opens_waits_for_its_key(telling: Telling) -> None:
    with serving() as server:
        telling.set_up_mail(server, smtp_username="billing", smtp_password="secret")
        telling.finalized_invoice()
        stranger = replace(telling, security=Security("another key" * 4, passwords=QUICK))
        stranger.mail()
        assert server.taken == []
        telling.set_up_mail(server, smtp_password=None)
        telling.clock.advance(minutes=2)
        telling.mail()

    (sent,) = telling.emails()
    assert (sent["status"], sent["attempts"]) == ("sent", 1)


def test_a_mail_whose_server_is_taken_away_fails_and_says_so(telling: Telling) -> None:
    send_by(telling, "mail.test", 1)
    telling.owner.patch("/api/v1/organization", json={"smtp_host": None})

    telling.mail()

    (failed,) = telling.emails()
    assert (failed["status"], failed["error"]) == (
        "failed",
        "The server or an address was removed.",
    )


def test_becoming_final_asks_nothing_of_the_mail_server(telling: Telling) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(10)
        listener.setblocking(False)
        server = FakeServer(port=listener.getsockname()[1])
        telling.set_up_mail(server)
        invoices = [telling.finalized_invoice() for _ in range(5)]
        sent = telling.post(f"/invoices/{telling.draft_invoice()['id']}/send-email")
        with pytest.raises(BlockingIOError):
            listener.accept()

    assert {one["status"] for one in invoices} == {"OPEN"}
    assert sent["success"] is True
    assert [one["status"] for one in telling.emails()] == ["queued"] * 6


def test_an_invoice_that_is_finalized_twice_has_one_mail(telling: Telling) -> None:
    draft = telling.draft_invoice()
    for _ in range(3):
        telling.post(f"/invoices/{draft['id']}/finalize")

    assert [one["cause"] for one in telling.emails()] == ["finalized"]


def _take(telling: Telling, *, after_seconds: float) -> list[MailLetter]:
    telling.clock.advance(seconds=after_seconds)
    return take_due(
        telling.transactions, telling.security.sealer, ROOM_FOR_FOUR, now=telling.clock()
    )
