"""Webhooks as what a relay delivers: one endpoint delays no other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final, Protocol

from billing.notifications.deliveries import Answer, Room
from repositories.notifications.deliveries import REPLAYS
from repositories.notifications.due import WEBHOOKS, find_next_due
from repositories.outbox import WEBHOOK_MESSAGE
from repositories.transactions import Transactions
from runtime.relays.deliveries import Execute, Rooms
from services.accounts.credentials import Sealing
from services.notifications import deliveries
from services.notifications.deliveries import Letter

ROOMS: Final = Rooms(at_once=64, to_each=4, to_failing=32)


class Sender(Protocol):
    """Posts a body."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What the receiver answered, or why there is no answer."""


class WebhookPost:
    """Queued messages become deliveries, and those that are due are posted."""

    name = "webhooks"
    kinds: Collection[str] = (WEBHOOK_MESSAGE, REPLAYS)

    def __init__(self, transactions: Transactions, sealing: Sealing, sender: Sender) -> None:
        self._transactions = transactions
        self._sealing = sealing
        self._sender = sender

    def prepare(self, *, now: datetime) -> bool:
        """A batch of messages is events, with their deliveries."""
        return deliveries.spread_events(self._transactions, now=now)

    def take(self, room: Room, *, now: datetime) -> list[Letter]:
        """Deliveries that are due, signed."""
        return deliveries.take_due(self._transactions, self._sealing, room, now=now)

    def find_next_due(self) -> datetime | None:
        """When the first delivery is due."""
        return find_next_due(self._transactions, WEBHOOKS)

    async def send(self, letter: Letter, _execute: Execute, _now: Callable[[], datetime]) -> Answer:
        """What the endpoint answered."""
        return await self._sender.post(letter.url, letter.body, letter.headers)

    def settle(self, letter: Letter, answer: Answer, *, now: datetime) -> None:
        """The delivery says what became of it."""
        with self._transactions.for_organization(letter.organization_id) as session:
            deliveries.settle(session, letter, answer, now=now)
