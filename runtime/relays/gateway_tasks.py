"""What gateways are to be asked, as what a relay delivers: one connection delays no other."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

from billing.notifications.deliveries import Answer, Room
from repositories.notifications.due import GATEWAY_TASKS, find_next_due
from repositories.payments.tasks import QUEUED, TakenTask
from repositories.transactions import Transactions
from runtime.relays.deliveries import Execute, Rooms
from services.payments import tasks
from services.payments.asking import Desk

ROOMS: Final = Rooms(at_once=32, to_each=8, to_failing=16)


class GatewayPost:
    """Tasks that are due are done: a link made, a refund sent, an event looked into."""

    name = "gateways"
    kinds: Collection[str] = (QUEUED,)

    def __init__(self, transactions: Transactions, desk: Desk) -> None:
        self._transactions = transactions
        self._desk = desk

    def prepare(self, *, now: datetime) -> bool:  # noqa: ARG002  (tasks need none)
        """Tasks are due as they are queued."""
        return False

    def take(self, room: Room, *, now: datetime) -> list[TakenTask]:
        """Tasks that are due."""
        return tasks.take_due(self._transactions, room, now=now)

    def find_next_due(self) -> datetime | None:
        """When the first task is due."""
        return find_next_due(self._transactions, GATEWAY_TASKS)

    async def send(
        self, letter: TakenTask, execute: Execute, _now: Callable[[], datetime]
    ) -> Answer:
        """What became of it."""
        return await self._desk.perform(letter, execute)

    def settle(self, letter: TakenTask, answer: Answer, *, now: datetime) -> None:
        """The task says what became of it."""
        with self._transactions.for_organization(letter.organization_id) as session:
            tasks.settle(session, letter, answer, now=now)
