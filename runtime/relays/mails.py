"""Mails as what a relay delivers: the server of one organization delays no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from billing.notifications.deliveries import Answer, Room
from billing.notifications.mails import Envelope, MailServer
from repositories.notifications.due import MAILS, find_next_due
from repositories.notifications.emails import QUEUED
from repositories.transactions import Transactions
from runtime.relays.deliveries import Execute, Rooms
from runtime.security import new_secret
from services.accounts.credentials import Sealing
from services.mail import deliveries
from services.mail.composing import Pages, compose
from services.mail.deliveries import MailLetter

ROOMS: Final = Rooms(at_once=32, to_each=4, to_failing=16)


class MailSender(Protocol):
    """Hands a mail to a server."""

    async def send(
        self, server: MailServer, envelope: Envelope, compose: Callable[[], Awaitable[bytes]]
    ) -> Answer:
        """What the server answered, or why there is no answer."""


class MailPost:
    """Mails that are due are made, when their server is ready for them, and handed over."""

    name = "mails"
    kinds: Collection[str] = (QUEUED,)

    def __init__(
        self, transactions: Transactions, sealing: Sealing, sender: MailSender, *, public_url: str
    ) -> None:
        self._transactions = transactions
        self._sealing = sealing
        self._sender = sender
        self._pages = Pages(public_url=public_url, new_token=new_secret)

    def prepare(self, *, now: datetime) -> bool:  # noqa: ARG002  (mails need none)
        """Mails are due as they are queued."""
        return False

    def take(self, room: Room, *, now: datetime) -> list[MailLetter]:
        """Mails that are due, with their servers."""
        return deliveries.take_due(self._transactions, self._sealing, room, now=now)

    def find_next_due(self) -> datetime | None:
        """When the first mail is due."""
        return find_next_due(self._transactions, MAILS)

    async def send(
        self, letter: MailLetter, execute: Execute, now: Callable[[], datetime]
    ) -> Answer | None:
        """What the server answered; None if another process has the mail by now."""
        if letter.server is None or letter.envelope is None:
            return Answer(error="The server or an address was removed.", is_final=True)

        def made() -> bytes:
            return compose(
                self._transactions, letter, pages=self._pages, sealing=self._sealing, now=now()
            )

        try:
            return await self._sender.send(letter.server, letter.envelope, partial(execute, made))
        except deliveries.Overtaken:
            return None

    def settle(self, letter: MailLetter, answer: Answer, *, now: datetime) -> None:
        """The mail says what became of it."""
        with self._transactions.for_organization(letter.organization_id) as session:
            deliveries.settle(session, letter, answer, now=now)
