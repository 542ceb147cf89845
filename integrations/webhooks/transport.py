"""Connects to public addresses only, and to the very ones that were looked at."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

import httpx2

from billing.notifications.receivers import Address, is_reachable, read_receiver

RESOLVING_THREADS: Final = 16

Resolve = Callable[[str, int], Awaitable[list[Address]]]
"""The addresses of a host. Raises OSError if it has none."""


class Refused(Exception):
    """The receiver is not one of the public internet."""


class Resolver:
    """Names become addresses in threads of their own: slow name servers hold up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVING_THREADS, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> list[Address]:
        """The addresses of a host, those of IPv4 first. Raises OSError."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        addresses = {ip_address(str(one[4][0])) for one in found}
        return sorted(addresses, key=lambda one: (one.version, int(one)))


class PublicTransport(httpx2.AsyncBaseTransport):
    """Resolves a host once, refuses it unless all its addresses are public, connects to one.

    The host keeps its name for TLS and for ``Host``. Names that mean something else a moment later
    change nothing: nobody asks again. Connections are never kept, so that one made for a host is
    never used for another at the same address.
    """

    def __init__(self, resolve: Resolve, *, may_be_private: bool = False) -> None:
        self._resolve = resolve
        self._may_be_private = may_be_private
        self._inner = httpx2.AsyncHTTPTransport(
            trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer of the address. Raises Refused, InvalidInput, OSError and httpx2.HTTPError."""
        receiver = read_receiver(str(request.url), may_be_private=self._may_be_private)
        literal = receiver.address
        addresses = [literal] if literal else await self._resolve(receiver.host, receiver.port)
        if not addresses:
            raise OSError("The host has no address.")
        if not self._may_be_private and not all(map(is_reachable, addresses)):
            raise Refused("The host has an address that is not one of the public internet.")
        for address in addresses[:-1]:
            try:
                return await self._connect(request, receiver.host, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._connect(request, receiver.host, addresses[-1])

    async def _connect(
        self, request: httpx2.Request, host: str, address: Address
    ) -> httpx2.Response:
        response = await self._inner.handle_async_request(
            httpx2.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
        )
        connected = response.extensions["network_stream"].get_extra_info("server_addr")
        if connected is None or ip_address(connected[0]) != address:
            await response.aclose()
            raise Refused("The connection leads to another address than the one looked at.")
        return response

    async def aclose(self) -> None:
        """No connection is open any more."""
        await self._inner.aclose()
