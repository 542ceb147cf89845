"""One endpoint delays no other, and no crash loses or doubles what is told."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from uuid import UUID

import pytest

from billing.notifications.deliveries import Answer
from integrations.webhooks.sender import WebhookSender
from repositories.notifications import endpoints
from runtime.relays.webhooks import ROOMS
from services.notifications.deliveries import Letter, settle, spread_events, take_due
from services.notifications.endpoints import delete_endpoint
from tests.api.transport.test_database_refusals import is_waited_for
from tests.receivers import receiving
from tests.telling import ROOM_FOR_FOUR, Telling


class Dying:
    """A sender whose process dies while it sends."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    async def post(self, _url: str, _body: bytes, headers: Mapping[str, str]) -> Answer:
        """The receiver has it, and nobody remembers that."""
        self.sent[headers["webhook-id"]] += 1
        raise asyncio.CancelledError


class Blocking:
    """A sender to endpoints that hang until a test lets them go."""

    def __init__(self, hanging: str) -> None:
        self.hanging = hanging
        self.at_once: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self.finished: list[tuple[str, float]] = []
        self.let_go = asyncio.Event()

    async def post(self, url: str, _body: bytes, _headers: Mapping[str, str]) -> Answer:
        """No answer from those that hang, and a quick one from all others."""
        self.at_once[url] += 1
        self.most_at_once[url] = max(self.most_at_once[url], self.at_once[url])
        if self.hanging in url:
            await self.let_go.wait()
        else:
            await asyncio.sleep(0.01)
        self.at_once[url] -= 1
        self.finished.append((url, time.monotonic()))
        is_hanging = self.hanging in url
        return Answer(error="It hung.") if is_hanging else Answer(response_code=200)


async def until(is_so: Callable[[], bool]) -> None:
    """Return when it is so."""
    while not is_so():  # noqa: ASYNC110  (what is waited for is told to nobody)
        await asyncio.sleep(0.01)


def test_a_message_becomes_one_delivery_for_each_endpoint_however_often_it_is_spread(
    telling: Telling,
) -> None:
    for number in range(2):
        telling.listen(f"http://127.0.0.1:9/{number}", "invoice.created")
    telling.draft_invoice()

    for _ in range(3):
        spread_events(telling.transactions, now=telling.clock())

    told = telling.deliveries()
    assert len(told) == 2
    assert len({one["event_id"] for one in told}) == 1


def test_an_invoice_that_is_rolled_back_was_never_told(telling: Telling) -> None:
    telling.listen("http://127.0.0.1:9/", "invoice.finalized")
    draft = telling.draft_invoice()
    telling.post(f"/invoices/{draft['id']}/finalize")
    telling.post(f"/invoices/{draft['id']}/finalize")

    spread_events(telling.transactions, now=telling.clock())

    assert [one["event"] for one in telling.deliveries()] == ["invoice.finalized"]


def test_without_endpoints_nothing_is_kept(telling: Telling) -> None:
    telling.finalized_invoice()
    telling.listen("http://127.0.0.1:9/")

    spread_events(telling.transactions, now=telling.clock())

    assert telling.deliveries() == []


def test_what_a_process_took_to_its_grave_is_sent_again_with_the_same_id(telling: Telling) -> None:
    dying = Dying()
    with receiving() as receiver:
        telling.listen(receiver.url, "invoice.created")
        telling.draft_invoice()
        telling.deliver(dying)
        (taken,) = telling.deliveries()
        telling.clock.advance(seconds=59)
        telling.deliver()
        assert receiver.bodies == []
        telling.clock.advance(seconds=1)
        telling.deliver()

    (told,) = telling.deliveries()
    assert (taken["status"], taken["attempts"]) == ("pending", 0)
    assert (told["status"], told["attempts"]) == ("succeeded", 1)
    assert dying.sent == {receiver.heads[0]["webhook-id"]: 1}


def test_who_sent_it_later_than_somebody_else_changes_nothing(telling: Telling) -> None:
    telling.listen("http://127.0.0.1:9/", "invoice.created")
    telling.draft_invoice()
    spread_events(telling.transactions, now=telling.clock())

    def take() -> list[Letter]:
        return take_due(
            telling.transactions, telling.security.sealer, ROOM_FOR_FOUR, now=telling.clock()
        )

    (first,) = take()
    assert take() == []
    telling.clock.advance(seconds=60)
    (second,) = take()
    for letter, answer in ((second, Answer(response_code=200)), (first, Answer(error="Late."))):
        with telling.transactions.for_organization(letter.organization_id) as session:
            settle(session, letter, answer, now=telling.clock())

    (told,) = telling.deliveries()
    assert (told["status"], told["attempts"], told["error"]) == ("succeeded", 1, None)


@pytest.mark.parametrize("answer", [Answer(error="Away."), Answer(response_code=200)])
def test_a_settled_try_waits_for_who_deletes_the_endpoint_and_neither_fails(
    telling: Telling, answer: Answer
) -> None:
    endpoint = telling.listen("http://127.0.0.1:9/", "invoice.created")
    letters = []
    for _ in range(2):
        telling.draft_invoice()
        spread_events(telling.transactions, now=telling.clock())
        letters += take_due(
            telling.transactions, telling.security.sealer, ROOM_FOR_FOUR, now=telling.clock()
        )
    first, second = letters
    organization_id = first.organization_id
    address = telling.transactions.address.set(drivername="postgresql").render_as_string()

    def settled(letter: Letter, given: Answer) -> None:
        with telling.transactions.for_organization(organization_id) as session:
            settle(session, letter, given, now=telling.clock())

    settled(first, Answer(error="Away."))
    with ThreadPoolExecutor(1) as beside:
        with telling.transactions.for_organization(organization_id) as session:
            endpoints.lock_endpoint(session, organization_id, UUID(endpoint["id"]))
            settling = beside.submit(settled, second, answer)
            while not is_waited_for(address):
                time.sleep(0.02)
            delete_endpoint(session, organization_id, UUID(endpoint["id"]), now=telling.clock())
        settling.result(30)

    assert {one["status"] for one in telling.deliveries()} == {"failed"}


async def test_an_endpoint_that_hangs_has_a_few_at_once_and_holds_up_no_other(
    telling: Telling,
) -> None:
    def prepare() -> None:
        for name in ("hanging", "quick"):
            telling.listen(f"http://127.0.0.1:9/{name}", "invoice.created")
        for _ in range(20):
            telling.draft_invoice()

    await asyncio.to_thread(prepare)
    sender = Blocking("hanging")
    relay = telling.relay(sender, replace(ROOMS, at_once=12))
    running = asyncio.create_task(relay.run())
    async with asyncio.timeout(20):
        await until(lambda: len(sender.finished) == 20)
        assert {url.rpartition("/")[2] for url, _ in sender.finished} == {"quick"}
        sender.let_go.set()
        await until(lambda: len(sender.finished) == 40)
        await relay.finish()
    running.cancel()

    assert max(sender.most_at_once.values()) <= ROOMS.to_each


def test_five_real_receivers_are_told_at_once_while_five_hang(telling: Telling) -> None:
    with ExitStack() as stack:
        hanging = [stack.enter_context(receiving(hangs_seconds=5)) for _ in range(5)]
        quick = [stack.enter_context(receiving()) for _ in range(5)]
        for receiver in (*hanging, *quick):
            telling.listen(receiver.url, "invoice.created")
        for _ in range(10):
            telling.draft_invoice()
        began = time.monotonic()

        async def deliver() -> None:
            sender = WebhookSender(may_be_private=True, within_seconds=2)
            relay = telling.relay(sender)
            running = asyncio.create_task(relay.run())
            await until(lambda: sum(len(one.bodies) for one in quick) == 50)
            running.cancel()

        asyncio.run(asyncio.wait_for(deliver(), 20))

        waits = sorted(at - began for one in quick for at in one.came_at)
    assert waits[-1] < 2
    assert all(one.most_at_once <= ROOMS.to_each for one in hanging)
