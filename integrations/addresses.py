"""The addresses of hosts that somebody else named, looked up once and looked at before use."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

from billing.notifications.receivers import Address, Receiver, is_reachable

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


async def find_addresses(
    receiver: Receiver, resolve: Resolve, *, may_be_private: bool
) -> Sequence[Address]:
    """The addresses that a connection to the receiver may lead to, one at least.

    Any private one among them refuses all. Raises Refused, OSError.
    """
    literal = receiver.address
    addresses = [literal] if literal else await resolve(receiver.host, receiver.port)
    if not addresses:
        raise OSError("The host has no address.")
    if not may_be_private and not all(map(is_reachable, addresses)):
        raise Refused("The host has an address that is not one of the public internet.")
    return addresses
