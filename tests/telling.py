"""An organization that has webhooks, and a relay that delivers them when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from anyio.from_thread import BlockingPortal

from api.app import create_app
from api.context import AppContext
from billing.notifications.deliveries import Room
from integrations.mail.sender import MailSender as SmtpSender
from integrations.webhooks.sender import WebhookSender
from repositories.notifications.due import WEBHOOKS, find_next_due
from repositories.transactions import Transactions
from runtime.relays import mails
from runtime.relays.deliveries import DeliveryRelay, Rooms
from runtime.relays.mails import MailPost, MailSender
from runtime.relays.webhooks import ROOMS, Sender, WebhookPost
from runtime.security import Security
from services.accounts.sessions import TokenLifetimes
from services.mail.deliveries import MailLetter
from services.notifications.deliveries import Letter
from tests.api.people import PATIENT_SECONDS, Clock, Person
from tests.mail_servers import MailServer

V1 = "/api/v1"
ROOM_FOR_FOUR = Room(total=10, of_each=4, of_busy={})
LONG = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Telling:
    """The owner of an organization, the clock of all, and what delivers."""

    owner: Person
    clock: Clock
    transactions: Transactions
    security: Security

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What a successful POST answers."""
        answer = self.owner.post(V1 + path, json=body)
        assert answer.status_code in {200, 201, 202}, answer.text
        return dict(answer.json())

    def get(self, path: str) -> dict[str, Any]:
        """What a successful GET answers."""
        answer = self.owner.get(V1 + path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def listen(self, url: str, *events: str) -> dict[str, Any]:
        """A new endpoint with its secrets, by default for everything."""
        return self.post("/webhook-endpoints", {"url": url, "events": list(events) or ["*"]})

    def draft_invoice(self) -> dict[str, Any]:
        """A manual invoice of 25 dollars."""
        customer = self.post(
            "/customers",
            {
                "name": "Harbor Labs",
                "email": "ap@harbor.test",
                "billing_address_country": "US",
            },
        )
        return self.post(
            "/invoices",
            {
                "customer_id": customer["id"],
                "currency": "USD",
                "due_date": "2026-04-01T00:00:00Z",
                "line_items": [{"description": "Set-up", "quantity": 1, "unit_amount": 25}],
            },
        )

    def finalized_invoice(self) -> dict[str, Any]:
        """A manual invoice of 25 dollars that is OPEN."""
        return self.post(f"/invoices/{self.draft_invoice()['id']}/finalize")

    def deliveries(self, **query: str) -> list[dict[str, Any]]:
        """The deliveries of the organization, oldest first."""
        answer = self.owner.get(f"{V1}/webhook-deliveries", params={"page_size": 100, **query})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def emails(self, **query: str) -> list[dict[str, Any]]:
        """The mails of the organization, oldest first."""
        answer = self.owner.get(f"{V1}/emails", params={"page_size": 100, **query})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def set_up_mail(self, server: MailServer, **settings: Any) -> None:
        """The organization sends its mails by this server."""
        answer = self.owner.patch(f"{V1}/organization", json=server.settings | settings)
        assert answer.status_code == 200, answer.text

    def mail_relay(
        self, sender: MailSender | None = None, rooms: Rooms = mails.ROOMS
    ) -> DeliveryRelay[MailLetter]:
        """What sends mails, over servers on this machine too."""
        sender = sender or SmtpSender(may_be_private=True, within_seconds=2)
        post = MailPost(
            self.transactions, self.security.sealer, sender, public_url="https://billing.example"
        )
        return DeliveryRelay(post, rooms, self.clock)

    def mail(self, sender: MailSender | None = None) -> None:
        """Every mail that is due was sent, and settled."""

        async def send() -> None:
            relay = self.mail_relay(sender)
            await relay.deliver_due()
            while await relay.finish():
                await relay.deliver_due()

        asyncio.run(send())

    def has_due(self) -> bool:
        """Whether a delivery waits that is due."""
        due_at = find_next_due(self.transactions, WEBHOOKS)
        return due_at is not None and due_at <= self.clock()

    def relay(self, sender: Sender | None = None, rooms: Rooms = ROOMS) -> DeliveryRelay[Letter]:
        """What delivers, to this machine too."""
        sender = sender or WebhookSender(may_be_private=True, within_seconds=2)
        post = WebhookPost(self.transactions, self.security.sealer, sender)
        return DeliveryRelay(post, rooms, self.clock)

    def deliver(self, sender: Sender | None = None) -> float:
        """Everything that is due was sent, and settled; how long a relay would rest now."""

        async def deliver() -> float:
            relay = self.relay(sender)
            pause = await relay.deliver_due()
            while await relay.finish() or self.has_due():
                pause = await relay.deliver_due()
            return pause

        return asyncio.run(deliver())


@contextmanager
def told_by(
    transactions: Transactions, security: Security, portal: BlockingPortal
) -> Iterator[Telling]:
    """A fresh organization whose application may tell this machine."""
    clock = Clock()
    context = AppContext(
        transactions=transactions,
        security=security,
        now=clock,
        may_be_private=True,
        transaction_seconds=PATIENT_SECONDS,
        lifetimes=TokenLifetimes(access_seconds=LONG, refresh_seconds=LONG, session_seconds=LONG),
    )
    served = create_app(context)
    lifespan = served.router.lifespan_context(served)
    Person.shared_portal = portal
    with portal.wrap_async_context_manager(lifespan):
        yield Telling(Person(served).sign_up(), clock, transactions, security)
