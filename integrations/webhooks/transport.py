"""Connects to public addresses only, and to the very ones that were looked at."""

from __future__ import annotations

from ipaddress import ip_address

import httpx2

from billing.notifications.receivers import Address, read_receiver
from integrations.addresses import Refused, Resolve, find_addresses


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
        addresses = await find_addresses(
            receiver, self._resolve, may_be_private=self._may_be_private
        )
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
