"""Clients that send slowly, or stop in the middle, or read nothing: they keep nobody waiting."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median

import httpx2
import pytest

from runtime.serving.protocol import BYTES_A_SECOND, REQUEST_SECONDS
from tests.api.connections.site import Heard, Site, listen
from tests.stopwatch import Stopwatch

SLACK_SECONDS = 4.0
"""Connections are looked at every second; the machine may be busy."""

SLOW_ONES = 200
PATH = b"POST /api/v1/customers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def with_key(site: Site, rest: bytes) -> bytes:
    return PATH + b"X-API-Key: " + site.key.encode() + b"\r\n" + rest


def trickle(site: Site, first: bytes, rest: bytes) -> Heard:
    """Send the first at once and a byte of the rest each second, until the server ends it."""
    with site.connect() as connection:
        watch, text = Stopwatch(site.pid), b""
        connection.sendall(first)
        for byte in rest:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                break
            heard = listen(connection, time.monotonic(), 1.0)
            text += heard.text
            if heard.is_closed:
                return Heard(text=text, is_closed=True, seconds=watch.seconds())
        return Heard(text=text, is_closed=False, seconds=watch.seconds())


HEADS: dict[str, Callable[[Site], tuple[bytes, bytes]]] = {
    "headers, a byte a second": lambda _site: (PATH, b"X-Slow: " + b"a" * 60),
    "a body, a byte a second": lambda site: (
        with_key(site, b"Content-Length: 100\r\n\r\n{"),
        b" " * 60,
    ),
    "a chunked body, a byte a second": lambda site: (
        with_key(site, b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"),
        b"1\r\n \r\n" * 20,
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_trickled_request_ends_after_ten_seconds(site: Site, name: str) -> None:
    first, rest = HEADS[name](site)

    began = time.monotonic()
    heard = trickle(site, first, rest)

    assert heard.is_closed
    assert (heard.status, heard.problem["code"]) == (408, "request_timeout")
    assert time.monotonic() - began >= REQUEST_SECONDS - 1
    assert heard.seconds <= REQUEST_SECONDS + SLACK_SECONDS


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"\r\n", 408, id="an empty line"),
        pytest.param(b"GET /livez HTTP/1.1\r\nHost: x\r\n", 408, id="half a head"),
        pytest.param(
            b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12", 200, id="half a body"
        ),
        pytest.param(
            b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /li", 200, id="one and half of the next"
        ),
    ],
)
def test_half_a_request_ends_after_ten_seconds(site: Site, sent: bytes, status: int | None) -> None:
    watch = Stopwatch(site.pid)
    with site.connect() as connection:
        connection.sendall(sent)
        heard = b""
        connection.settimeout(10 * REQUEST_SECONDS)
        while more := connection.recv(65536):
            heard += more

    assert Heard(text=heard, is_closed=True, seconds=0).status == status
    assert watch.seconds() <= REQUEST_SECONDS + SLACK_SECONDS


def test_large_body_may_take_as_long_as_it_comes_steadily(site: Site) -> None:
    size = BYTES_A_SECOND * 26
    chunk = BYTES_A_SECOND * 2
    began = time.monotonic()
    with site.connect() as connection:
        connection.sendall(with_key(site, b"Content-Length: %d\r\n\r\n" % size))
        for _ in range(size // chunk):
            connection.sendall(b" " * chunk)
            time.sleep(1)
        heard = listen(connection, time.monotonic(), 5)

    assert time.monotonic() - began > REQUEST_SECONDS
    assert heard.status == 422


def test_body_that_is_sent_on_after_its_refusal_is_not_read_for_long(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(with_key(site, b"Content-Length: 1000000000\r\n\r\n"))
        refused = listen(connection, time.monotonic(), 5)
        watch, is_closed = Stopwatch(site.pid), False
        while not is_closed and watch.seconds() < 6:
            try:
                connection.sendall(b" " * 1000)
            except OSError:
                is_closed = True
            time.sleep(0.01)

    assert refused.status == 413
    assert is_closed


@pytest.fixture
def slow_connections(site: Site) -> Iterator[list[socket.socket]]:
    """Two hundred that have sent half of a head, or half of a body."""
    halves = [PATH, with_key(site, b"Content-Length: 100\r\n\r\n{")]
    with ExitStack() as held:
        connections = [held.enter_context(site.connect()) for _ in range(SLOW_ONES)]
        for number, connection in enumerate(connections):
            connection.sendall(halves[number % 2])
        yield connections


def durations(site: Site, seconds: float) -> list[float]:
    """How long requests take, asked by four callers one after another."""

    def ask_on(_caller: int) -> list[float]:
        took = []
        ends_at = time.monotonic() + seconds
        with httpx2.Client(headers={"X-API-Key": site.key}, timeout=10) as client:
            while time.monotonic() < ends_at:
                began = time.monotonic()
                answer = client.get(f"http://127.0.0.1:{site.port}/api/v1/customers")
                took.append(time.monotonic() - began)
                assert answer.status_code == 200
        return took

    with ThreadPoolExecutor(4) as callers:
        return [one for took in callers.map(ask_on, range(4)) for one in took]


def test_two_hundred_slow_connections_keep_nobody_waiting(
    site: Site, request: pytest.FixtureRequest
) -> None:
    alone = durations(site, 3)
    slow = request.getfixturevalue("slow_connections")

    beside = durations(site, 3)

    assert median(beside) < 2 * median(alone) + 0.01
    assert max(beside) < 2 * max(alone) + 0.5
    ends_at = time.monotonic() + REQUEST_SECONDS + SLACK_SECONDS
    for connection in slow:
        heard = listen(connection, time.monotonic(), max(0.2, ends_at - time.monotonic()))
        assert heard.status == 408
