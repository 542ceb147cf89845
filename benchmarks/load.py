"""A load generator that costs little: prepared requests over kept connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

import uvloop

from runtime.processes.priority import take_short_turns

HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of requests took."""

    seconds: float
    latencies: Sequence[float]
    statuses: Mapping[int, int]
    bodies: Sequence[bytes]

    @property
    def requests_a_second(self) -> float:
        """Answered requests by the time that all of them took."""
        return len(self.latencies) / self.seconds

    @property
    def p99_milliseconds(self) -> float:
        """What 99 of 100 requests did not take longer than."""
        return quantiles(self.latencies, n=100)[98] * 1000


def prepare(url: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A whole request, ready to send."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + HEAD_END + body


def run_load(url: str, requests: Sequence[bytes], *, connections: int, keep: bool = False) -> Load:
    """Send every request once, each connection one after the other."""
    return uvloop.run(_run(url, requests, connections, keep))


async def run_paced(
    url: str, requests: Sequence[bytes], *, connections: int, a_second: float
) -> Load:
    """Send the requests at an even pace, whatever the answers take; lateness counts as latency.

    This process runs as soon as it wakes from here on: it stands for clients that have machines of
    their own, whose wait for a processor of this one is no answer's.
    """
    take_short_turns()
    clients = await _connect(url, iter(()), connections, keep=False)
    free: asyncio.Queue[_Client] = asyncio.Queue()
    for client in clients:
        free.put_nowait(client)
    began = perf_counter()
    for place, request in enumerate(requests):
        due_at = began + place / a_second
        await asyncio.sleep(max(0.0, due_at - perf_counter()))
        client = await free.get()
        client.send_one(request, due_at=due_at, then=free.put_nowait)
    for _ in clients:
        (await free.get()).done.set_result(None)
    return _gather(clients, perf_counter() - began)


def require_statuses(load: Load, *expected: int, of: str = "") -> None:
    """A figure counts only if everything was answered as it should be; ``of`` says what it is."""
    wrong = {status: count for status, count in load.statuses.items() if status not in expected}
    if wrong:
        raise SystemExit(f"unexpected answers: {wrong} {of}".strip())


async def _run(url: str, requests: Sequence[bytes], connections: int, keep: bool) -> Load:
    clients = await _connect(url, iter(requests), connections, keep=keep)
    began = perf_counter()
    for client in clients:
        client.send()
    await asyncio.gather(*(client.done for client in clients))
    return _gather(clients, perf_counter() - began)


async def _connect(
    url: str, queue: Iterator[bytes], connections: int, *, keep: bool
) -> list[_Client]:
    address = urlsplit(url)
    host, port = str(address.hostname), int(address.port or 80)
    clients: list[_Client] = []
    for _ in range(connections):
        _, client = await asyncio.get_running_loop().create_connection(
            lambda: _Client(queue, keep), host, port
        )
        clients.append(client)
    return clients


def _gather(clients: Sequence[_Client], seconds: float) -> Load:
    statuses: dict[int, int] = {}
    for client in clients:
        for status in client.statuses:
            statuses[status] = statuses.get(status, 0) + 1
        client.close()
    return Load(
        seconds=seconds,
        latencies=[one for client in clients for one in client.latencies],
        statuses=statuses,
        bodies=[one for client in clients for one in client.bodies],
    )


class _Client(asyncio.Protocol):
    def __init__(self, queue: Iterator[bytes], keep: bool) -> None:
        self._queue = queue
        self._keep = keep
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._then: Callable[[_Client], None] | None = None
        self.latencies: list[float] = []
        self.statuses: list[int] = []
        self.bodies: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self) -> None:
        request = next(self._queue, None)
        if request is None:
            self.done.set_result(None)
            return
        assert self._transport is not None
        self._sent_at = perf_counter()
        self._transport.write(request)

    def send_one(self, request: bytes, *, due_at: float, then: Callable[[_Client], None]) -> None:
        """Send a request that was due at an instant, and say when it is answered."""
        assert self._transport is not None
        self._sent_at, self._then = due_at, then
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        head_end = self._received.find(HEAD_END)
        if head_end < 0:
            return
        head = self._received[:head_end].lower()
        place = head.find(b"content-length:")
        length = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
        if len(self._received) < head_end + 4 + length:
            return
        self.latencies.append(perf_counter() - self._sent_at)
        self.statuses.append(int(head[9:12]))
        if self._keep:
            self.bodies.append(self._received[head_end + 4 :])
        self._received = b""
        if self._then is not None:
            self._then(self)
        else:
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


def encode(content: object) -> bytes:
    """Compact JSON."""
    return json.dumps(content, separators=(",", ":")).encode()
