"""The sandbox gateway of a process: where it is reached, and what sends its webhooks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import httpx2
from sqlalchemy import Engine

from billing.notifications.deliveries import Answer, Room
from integrations.gateways.sandbox.ledger import outbox, payments
from integrations.gateways.sandbox.ledger.books import Ledger
from integrations.gateways.sandbox.ledger.outbox import SandboxLetter
from integrations.gateways.sandbox.server import SandboxServer, connect_to
from integrations.webhooks.sender import WebhookSender
from runtime.relays.deliveries import DeliveryRelay, Execute, Rooms
from runtime.relays.webhooks import Sender
from runtime.settings import Settings

ROOMS: Final = Rooms(at_once=16, to_each=8, to_failing=4)

THREADS: Final = 2
"""Transactions of the gateway at once, on the connections of the process that it is in."""


class SandboxPost:
    """Payments that were pending end, and webhooks that are due are posted."""

    name = "sandbox-gateway"
    kinds: Collection[str] = ()

    def __init__(self, ledger: Ledger, sender: Sender) -> None:
        self._ledger = ledger
        self._sender = sender

    def prepare(self, *, now: datetime) -> bool:
        """A batch of payments that were pending long enough has ended."""
        return self._ledger.run(partial(payments.resolve_due, now=now))

    def take(self, room: Room, *, now: datetime) -> list[SandboxLetter]:
        """Webhooks that are due, signed."""
        return self._ledger.run(partial(outbox.take_due, room=room, now=now))

    def find_next_due(self) -> datetime | None:
        """When the first webhook is due, or the first payment ends."""
        found = (
            self._ledger.run(outbox.find_next_due),
            self._ledger.run(payments.find_next_resolved),
        )
        return min((one for one in found if one is not None), default=None)

    async def send(
        self, letter: SandboxLetter, _execute: Execute, _now: Callable[[], datetime]
    ) -> Answer:
        """What the account's address answered."""
        return await self._sender.post(letter.url, letter.body, letter.headers)

    def settle(self, letter: SandboxLetter, answer: Answer, *, now: datetime) -> None:
        """It arrived, or is due again."""
        self._ledger.run(partial(outbox.settle, letter=letter, answered=answer, now=now))


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReach:
    """How a process reaches the sandbox gateway: in itself, or where it is served by itself.

    The registry of gateways takes ``client``. If it is in this process, ``server`` has the pages
    to show, and ``relay`` runs.
    """

    client: httpx2.AsyncClient
    server: SandboxServer | None = None
    relay: DeliveryRelay[SandboxLetter] | None = None


def reach_sandbox(
    engine: Engine, settings: Settings, *, now: Callable[[], datetime]
) -> SandboxReach:
    """The gateway that is served by itself, if one is named, else one in this process.

    That one works on the connections of the process, and the API shows its pages.
    """
    if settings.sandbox_gateway_url is not None:
        return SandboxReach(client=connect_to(settings.sandbox_gateway_url))
    server, relay = serve_ledger(
        Ledger(engine), address=settings.public_url, now=now, threads=THREADS
    )
    return SandboxReach(client=server.connect(), server=server, relay=relay)


def serve_ledger(
    ledger: Ledger, *, address: str, now: Callable[[], datetime], threads: int
) -> tuple[SandboxServer, DeliveryRelay[SandboxLetter]]:
    """A gateway on a ledger, and the relay that sends its webhooks.

    They go to addresses on this machine as well: an account names its own.
    """
    relay = DeliveryRelay(SandboxPost(ledger, WebhookSender(may_be_private=True)), ROOMS, now)
    server = SandboxServer(ledger, address=address, now=now, told=relay.look, threads=threads)
    return server, relay
