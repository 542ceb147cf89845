"""The sandbox gateway as a whole: one application, in this process or served by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import httpx2
from starlette.applications import Starlette
from starlette.routing import Route

from integrations.gateways.sandbox.app import Interface
from integrations.gateways.sandbox.ledger.books import Ledger
from integrations.gateways.sandbox.page.routes import PATH, Handler, LinkPages
from integrations.gateways.sandbox.threads import LedgerThreads


class SandboxServer:
    """The gateway on a ledger; ``address`` is where people's browsers find its pages.

    ``told`` hears that there may be webhooks to send.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        address: str,
        now: Callable[[], datetime],
        told: Callable[[], None] = lambda: None,
        threads: int = 4,
    ) -> None:
        self._address = address.rstrip("/")
        ledger_threads = LedgerThreads(ledger, threads)
        interface = Interface(ledger_threads, page_of=self.page_of, now=now, told=told)
        self._pages = LinkPages(ledger_threads, now=now, told=told)
        self.app = Starlette(routes=[*interface.routes(), *self.pages()])

    def pages(self, around: Callable[[Handler], Handler] = lambda handle: handle) -> list[Route]:
        """The routes of its pages alone, which people may reach; ``around`` surrounds each."""
        return self._pages.routes(around)

    def page_of(self, token: str) -> str:
        """The address of the page of a link."""
        return f"{self._address}{PATH}/{token}"

    def connect(self) -> httpx2.AsyncClient:
        """A client that reaches the gateway in this process, over the same wire format."""
        transport = httpx2.ASGITransport(self.app)
        return httpx2.AsyncClient(transport=transport, base_url="http://sandbox")


def connect_to(url: str) -> httpx2.AsyncClient:
    """A client that reaches a gateway that is served by itself. Who asks says for how long."""
    return httpx2.AsyncClient(base_url=url, trust_env=False, timeout=None)
