"""More connections than a process holds: those that keep it waiting make room."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.api.connections.site import Site, listen, running_site

MOST = 8
LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def small(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A process that holds eight connections."""
    directory: Path = tmp_path_factory.mktemp("small")
    with running_site(module_database_url, directory, FLUXRATE_API_CONNECTIONS=str(MOST)) as made:
        yield made


def is_closed(connection: socket.socket) -> bool:
    """Whether the server ended it."""
    connection.settimeout(0.5)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_newcomer_is_served_in_the_place_of_who_waits_longest(small: Site) -> None:
    with ExitStack() as held:
        idle = []
        for _ in range(MOST):
            idle.append(held.enter_context(small.connect()))
            time.sleep(0.05)
        newcomers = [held.enter_context(small.connect()) for _ in range(2)]
        for newcomer in newcomers:
            newcomer.sendall(LIVE)
        answers = [listen(newcomer, time.monotonic(), 5) for newcomer in newcomers]

        ended = [is_closed(connection) for connection in idle[:4]]

    assert [answer.status for answer in answers] == [200, 200]
    # Whoever signed up may have kept a connection, for which one more had to go.
    assert ended[:2] == [True, True]
    assert ended[3] is False
