"""The way in: one client for code that waits, and one for event loops."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx2

from fluxrate_client.async_resources import AsyncResources
from fluxrate_client.resources import Resources
from fluxrate_client.retries import Retries
from fluxrate_client.test_clocks import AsyncTestClocks, TestClocks
from fluxrate_client.transport import AsyncTransport, Transport
from fluxrate_client.usage import AsyncUsage, Usage

VERSION = "0.1.0"
TIMEOUT_SECONDS = 30.0


class Fluxrate(Resources):
    """Everything that the API can do. Safe to share between threads.

    ``base_url`` is where Fluxrate is, without ``/api/v1``. Without a key, ``auth.sign_up`` and
    ``auth.log_in`` make a session, which is kept in cookies. ``http`` replaces the connections,
    for proxies, certificates or tests; it is then closed by whoever made it. ``organization`` is
    the id of a sandbox that a session acts for; a key is of its own organization.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        organization: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: Retries | None = None,
        http: httpx2.Client | None = None,
    ) -> None:
        self._is_mine = http is None
        self._http = http or httpx2.Client(timeout=timeout)
        self._http.base_url = httpx2.URL(base_url)
        self._http.headers.update(_headers(api_key, organization))
        transport = Transport(self._http, retries or Retries())
        super().__init__(transport)
        self.usage: Usage = Usage(transport)
        self.test_clocks: TestClocks = TestClocks(transport)

    def close(self) -> None:
        """Its connections are closed."""
        if self._is_mine:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncFluxrate(AsyncResources):
    """The same for an event loop: what answers is awaited, lists are read with ``async for``."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        organization: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: Retries | None = None,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._is_mine = http is None
        self._http = http or httpx2.AsyncClient(timeout=timeout)
        self._http.base_url = httpx2.URL(base_url)
        self._http.headers.update(_headers(api_key, organization))
        transport = AsyncTransport(self._http, retries or Retries())
        super().__init__(transport)
        self.usage: AsyncUsage = AsyncUsage(transport)
        self.test_clocks: AsyncTestClocks = AsyncTestClocks(transport)

    async def close(self) -> None:
        """Its connections are closed."""
        if self._is_mine:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _headers(api_key: str | None, organization: str | None) -> Mapping[str, Any]:
    headers = {
        "User-Agent": f"fluxrate-client-python/{VERSION}",
        "X-API-Key": api_key,
        "Fluxrate-Organization": organization,
    }
    return {name: value for name, value in headers.items() if value is not None}
