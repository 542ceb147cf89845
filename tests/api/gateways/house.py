"""An organization with a gateway, and everything that passes between both, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
from anyio.from_thread import BlockingPortal

from api.context import AppContext
from billing.notifications.deliveries import Answer, Room
from billing.payments.gateways import (
    GatewayAccount,
    GatewayPayment,
    PaymentRequest,
    SavedMethod,
)
from integrations.gateways.sandbox.gateway import SandboxGateway
from integrations.gateways.sandbox.ledger import outbox
from integrations.gateways.sandbox.ledger.books import Ledger
from integrations.gateways.sandbox.ledger.outbox import SandboxLetter
from integrations.gateways.sandbox.server import SandboxServer
from models.payments.links import PaymentMethod
from runtime.relays.deliveries import DeliveryRelay
from runtime.relays.gateway_tasks import ROOMS, GatewayPost
from services.payments.connections import get_connection, open_account
from tests.api.people import PASSWORD, Clock, Person

V1 = "/api/v1"


@dataclass
class House:
    """An organization, its connection, and one customer."""

    owner: Person
    context: AppContext
    server: SandboxServer
    ledger: Ledger
    loop: BlockingPortal
    clock: Clock
    connection: dict[str, Any]
    customer_id: str
    answered: list[int] = field(default_factory=list)
    """The status of each webhook that was delivered."""

    @classmethod
    def open(
        cls,
        owner: Person,
        context: AppContext,
        server: SandboxServer,
        ledger: Ledger,
        loop: BlockingPortal,
        clock: Clock,
    ) -> House:
        """The organization has connected the sandbox, and has a customer."""
        body = {"provider": "sandbox", "name": "Sandbox"}
        connection = owner.post(f"{V1}/connections", json=body).json()
        customer = owner.post(
            f"{V1}/customers",
            json={
                "name": "Harbor",
                "email": "ap@harbor.test",
                "external_id": "acct_77",
                "billing_address_country": "GB",
            },
        ).json()
        return cls(owner, context, server, ledger, loop, clock, connection, customer["id"])

    @property
    def organization_id(self) -> UUID:
        """Whose house it is."""
        return UUID(self.connection["webhook_url"].split("tenant_")[1].split("/")[0])

    @property
    def webhook_path(self) -> str:
        """Where the gateway tells what happened."""
        return "/api/v1" + str(self.connection["webhook_url"]).split("/api/v1")[1]

    def draft(self, amount: float = 120, **invoice: Any) -> dict[str, Any]:
        """A draft over that much."""
        body = {
            "customer_id": self.customer_id,
            "currency": "USD",
            "due_date": "2026-04-01T00:00:00Z",
            "line_items": [{"description": "Import", "quantity": 1, "unit_amount": amount}],
            **invoice,
        }
        made: dict[str, Any] = self.owner.post(f"{V1}/invoices", json=body).json()
        return made

    def finalize(self, amount: float = 120, **invoice: Any) -> dict[str, Any]:
        """A final invoice of that much, as it is answered."""
        draft = self.draft(amount, **invoice)
        answer = self.owner.post(f"{V1}/invoices/{draft['id']}/finalize")
        assert answer.status_code == 200, answer.text
        final: dict[str, Any] = answer.json()
        return final

    def invoice(self, invoice_id: str) -> dict[str, Any]:
        """The invoice as it is now."""
        found: dict[str, Any] = self.owner.get(f"{V1}/invoices/{invoice_id}").json()
        return found

    def press(self, url: str, outcome: str = "success") -> dict[str, Any]:
        """What the page answers to a program that presses a button."""

        async def press() -> Any:
            transport = httpx2.ASGITransport(self.server.app)
            async with httpx2.AsyncClient(transport=transport) as browser:
                return (await browser.post(f"{url}/pay", json={"outcome": outcome})).json()

        pressed: dict[str, Any] = self.loop.call(press)
        return pressed

    @property
    def account(self) -> GatewayAccount:
        """The account that the connection stands for."""
        context = self.context
        key = (self.organization_id, UUID(self.connection["id"]))
        with context.transactions.for_organization(key[0]) as session:
            return open_account(
                get_connection(session, *key),
                context.security.sealer,
                public_url=context.public_url,
            )

    @property
    def gateway(self) -> SandboxGateway:
        """The gateway as the connection knows it."""
        gateway = self.context.gateways.gateway_of(self.account)
        assert isinstance(gateway, SandboxGateway)
        return gateway

    def charge(self, request: PaymentRequest, method: PaymentMethod) -> GatewayPayment:
        """What became of charging a method that is stored."""
        saved = SavedMethod(
            customer_reference=method.customer_reference,
            method_reference=method.method_reference,
            label=method.label,
        )
        return self.loop.call(self.gateway.charge, request, saved)

    def payments(self, invoice_id: str) -> list[dict[str, Any]]:
        """The attempts to pay the invoice, the first one first."""
        found = self.owner.get(f"{V1}/invoices/{invoice_id}/payments").json()["data"]
        return sorted(found, key=lambda one: int(one["idempotency_key"].rpartition("/")[2]))

    def letters(self) -> list[SandboxLetter]:
        """The webhooks that the gateway would send now, in order; it sends them no more."""
        room = Room(total=100, of_each=100, of_busy={})
        found = self.ledger.run(lambda ledger: outbox.take_due(ledger, room, now=self.clock()))
        for one in found:
            settled = partial(
                outbox.settle, letter=one, answered=Answer(response_code=200), now=self.clock()
            )
            self.ledger.run(settled)
        return found

    def deliver(self, *letters: SandboxLetter) -> None:
        """These webhooks arrive."""
        for one in letters:
            answer = self.post_webhook(one.body, dict(one.headers))
            self.answered.append(answer.status_code)

    def post_webhook(self, body: bytes, headers: dict[str, str], path: str | None = None) -> Any:
        """What the application answers to somebody who says that he is the gateway."""
        stranger = Person(self.owner.app)  # type: ignore[arg-type]  # the application under test
        headers = {"Content-Type": "application/json", **headers}
        return stranger.post(path or self.webhook_path, content=body, headers=headers)

    def ask(self) -> None:
        """What gateways are to be asked is asked, and settled, until nothing is due."""
        relay = DeliveryRelay(
            GatewayPost(self.context.transactions, self.context.desk), ROOMS, self.clock
        )

        async def run() -> None:
            await relay.deliver_due()
            while await relay.finish():
                await relay.deliver_due()

        self.loop.call(run)

    def later(self, **parts: float) -> None:
        """So much later, at which somebody logs in again."""
        self.clock.advance(**parts)
        account = {"email": self.owner.email, "password": PASSWORD}
        self.owner.post(f"{V1}/auth/login", json=account)

    def settle(self) -> None:
        """Everything that is on its way between both has arrived and was worked on."""
        for _ in range(4):
            self.ask()
            self.deliver(*self.letters())
        self.ask()

    def events(self, **query: str) -> list[dict[str, Any]]:
        """What the gateway told, the last first."""
        found: list[dict[str, Any]] = self.owner.get(f"{V1}/gateway-events", params=query).json()[
            "data"
        ]
        return found
