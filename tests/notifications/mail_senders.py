"""Senders of mails that die, hang or are late."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from billing.notifications.deliveries import Answer
from billing.notifications.mails import Envelope, MailServer
from tests.telling import Telling

Compose = Callable[[], Awaitable[bytes]]


@dataclass
class Dying:
    """A sender whose process dies before, while or after it hands the mail over."""

    moment: str
    taken: list[bytes] = field(default_factory=list)

    async def send(self, _server: MailServer, _envelope: Envelope, compose: Compose) -> Answer:
        if self.moment != "before":
            mail = await compose()
            if self.moment == "after":
                self.taken.append(mail)
        raise asyncio.CancelledError


@dataclass
class Blocking:
    """A sender to servers that hang until a test lets them go."""

    hanging: str
    at_once: Counter[str] = field(default_factory=Counter)
    most_at_once: Counter[str] = field(default_factory=Counter)
    finished: list[str] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, server: MailServer, _envelope: Envelope, _compose: Compose) -> Answer:
        self.at_once[server.host] += 1
        self.most_at_once[server.host] = max(
            self.most_at_once[server.host], self.at_once[server.host]
        )
        if server.host == self.hanging:
            await self.let_go.wait()
        self.at_once[server.host] -= 1
        self.finished.append(server.host)
        return Answer(response_code=250)


@dataclass
class Overtaken:
    """A sender so slow that another process sends the mail before it asks for its text."""

    telling: Telling
    taken: list[bytes] = field(default_factory=list)

    async def send(self, _server: MailServer, _envelope: Envelope, compose: Compose) -> Answer:
        self.telling.clock.advance(minutes=2)
        other = self.telling.mail_relay()
        await other.deliver_due()
        await other.finish()
        self.taken.append(await compose())
        return Answer(response_code=250)


@dataclass
class Slow:
    """A sender that has its mail made late, and then dies."""

    telling: Telling

    async def send(self, _server: MailServer, _envelope: Envelope, compose: Compose) -> Answer:
        self.telling.clock.advance(seconds=119)
        await compose()
        raise asyncio.CancelledError


@dataclass
class Making:
    """A sender that has its mails for one server made, and needs none for the others."""

    host: str

    async def send(self, server: MailServer, _envelope: Envelope, compose: Compose) -> Answer:
        if server.host == self.host:
            await compose()
        return Answer(response_code=250)
