"""How often an address may sign up or fail to log in (CONTRACT 101)."""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cachetools import LRUCache
from starlette.requests import HTTPConnection

from api.access.principal import IPAddress
from billing.errors import TooManyRequests, Unauthenticated
from services.accounts.sessions import Visit

FAILED_LOG_INS: Final = 30
SIGN_UPS: Final = 100
PROOFS: Final = 120
PAGES: Final = 300
REFUSED_WEBHOOKS: Final = 120
RESETS: Final = 20
REFUSED_LINKS: Final = 30
WINDOW: Final = timedelta(minutes=1)
MOST_ADDRESSES: Final = 10_000
"""More are not remembered at a time; the one that was not seen for longest is forgotten."""

REFUSED_AFTER_SECONDS: Final = 1.0
"""A client that asks again as soon as it is answered does so once a second."""

MOST_HELD_BACK: Final = 1_000
"""How many refusals wait; others are answered at once."""

NETWORK_BITS: Final = 64
"""So much of an IPv6 address is its household's; the rest is free to choose for everybody."""


@dataclass(slots=True)
class _Count:
    ends_at: datetime
    times: int = 0


class AddressLimit:
    """Counts by address, in windows of a minute that begin with its first time.

    In the memory of one process: several API processes allow their sum. Used by one event loop.
    """

    def __init__(self, most: int, *, code: str, detail: str) -> None:
        self._most = most
        self._code = code
        self._detail = detail
        self._counts: LRUCache[str, _Count] = LRUCache(MOST_ADDRESSES)
        self._held_back = 0

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._counts)

    async def take(self, address: str, *, now: datetime, leaving: asyncio.Future[None]) -> None:
        """Once more. Raises: TooManyRequests with the seconds until the window ends, after one."""
        try:
            self._take(address, now)
        except TooManyRequests:
            await self._hold_back(leaving)
            raise

    @asynccontextmanager
    async def counting_refusals(
        self,
        address: str,
        *,
        now: datetime,
        leaving: asyncio.Future[None],
        refusals: tuple[type[BaseException], ...] = (Unauthenticated,),
    ) -> AsyncIterator[None]:
        """Counted while the block runs, and afterwards if that refuses what it was shown.

        Counted before the answer is known, so that guessing in parallel gains nothing. Raises:
        TooManyRequests.
        """
        await self.take(address, now=now, leaving=leaving)
        try:
            yield
        except TooManyRequests:
            raise
        except refusals:
            raise
        except BaseException:
            self._give_back(address)
            raise
        self._give_back(address)

    async def _hold_back(self, leaving: asyncio.Future[None]) -> None:
        if self._held_back >= MOST_HELD_BACK:
            return
        self._held_back += 1
        try:
            await asyncio.wait({leaving}, timeout=REFUSED_AFTER_SECONDS)
        finally:
            self._held_back -= 1

    def _take(self, address: str, now: datetime) -> None:
        count = self._counts.get(address)
        if count is None or count.ends_at <= now:
            count = self._counts[address] = _Count(now + WINDOW)
        if count.times >= self._most:
            raise TooManyRequests(
                self._detail,
                code=self._code,
                retry_after_seconds=math.ceil((count.ends_at - now).total_seconds()),
            )
        count.times += 1

    def _give_back(self, address: str) -> None:
        count = self._counts.get(address)
        if count is not None:
            count.times = max(0, count.times - 1)


class AddressLimits:
    """What an address may do in a minute; ``raised_to`` allows more of all, never less."""

    def __init__(self, raised_to: int = 0) -> None:
        self.failed_log_ins = AddressLimit(
            max(FAILED_LOG_INS, raised_to),
            code="too_many_failures",
            detail="Too many failed logins from this address; wait before the next.",
        )
        self.sign_ups = AddressLimit(
            max(SIGN_UPS, raised_to),
            code="too_many_sign_ups",
            detail="Too many sign-ups from this address; wait before the next.",
        )
        self.resets = AddressLimit(
            max(RESETS, raised_to),
            code="too_many_resets",
            detail="Too many new passwords asked for from this address; wait before the next.",
        )
        self.refused_links = AddressLimit(
            max(REFUSED_LINKS, raised_to),
            code="too_many_refusals",
            detail="Too many links from this address were not good; wait before the next.",
        )
        self.proofs = AddressLimit(
            max(PROOFS, raised_to),
            code="too_many_proofs",
            detail="Too many receipts asked for from this address; wait before the next.",
        )
        self.pages = AddressLimit(
            max(PAGES, raised_to),
            code="too_many_pages",
            detail="Too many pages asked for from this address; wait before the next.",
        )
        self.refused_webhooks = AddressLimit(
            max(REFUSED_WEBHOOKS, raised_to),
            code="too_many_refusals",
            detail="Too many webhooks from this address were of no gateway; wait before the next.",
        )


def address_of(request: HTTPConnection) -> str:
    """Where a request comes from, as the server trusts it; for IPv6 its network.

    What a proxy says about it counts where the operator trusts that proxy (cli/serve.py).
    """
    address = ip_of(request)
    if address is None:
        return _host_of(request)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((int(address), NETWORK_BITS), strict=False))


def visit_of(request: HTTPConnection) -> Visit:
    """Where a request comes from, as sessions remember it."""
    address = ip_of(request)
    return Visit(
        address=_host_of(request) if address is None else str(address),
        network=address_of(request),
        user_agent=request.headers.get("user-agent"),
    )


def ip_of(request: HTTPConnection) -> IPAddress | None:
    """The whole address of a request, of IPv4 as such also where IPv6 carries it; None if none."""
    try:
        address = ipaddress.ip_address(_host_of(request))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _host_of(request: HTTPConnection) -> str:
    return request.client.host[:100] if request.client is not None else ""
