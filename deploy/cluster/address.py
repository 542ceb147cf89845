"""One address in front of several servers, as a load balancer's: for connections, not requests."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

CHUNK_BYTES: Final = 64 * 1024
HOST: Final = "127.0.0.1"


class Address:
    """Hands connections to the servers by turns, past one that takes none.

    A connection ends with the server that has it: whoever made it notices, and makes another.
    """

    def __init__(self, port: int, ports: Sequence[int]) -> None:
        self.port = port
        self.taken: Counter[int] = Counter()
        """How many connections each server was handed, by its port."""
        self._ports = tuple(ports)
        self._turn = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="address", daemon=True)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Connections are taken. Raises OSError: nobody can listen there."""
        self._thread.start()
        listening = asyncio.start_server(self._carry, HOST, self.port)
        asyncio.run_coroutine_threadsafe(listening, self._loop).result(30)

    def stop(self) -> None:
        """No connection is left."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    async def _hang_up(self) -> None:
        ours = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for one in ours:
            one.cancel()
        await asyncio.gather(*ours, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found = await self._connect()
        if found is None:
            writer.transport.abort()
            return
        behind, ahead = found
        ways = [
            asyncio.create_task(_pipe(reader, ahead)),
            asyncio.create_task(_pipe(behind, writer)),
        ]
        # Cancelled when the address stops: then all connections end.
        with suppress(asyncio.CancelledError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for one in (writer, ahead):
            one.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        self._turn += 1
        for number in range(len(self._ports)):
            port = self._ports[(self._turn + number) % len(self._ports)]
            with suppress(OSError):
                found = await asyncio.open_connection(HOST, port)
                self.taken[port] += 1
                return found
        return None


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
