"""One address in front of several servers: whoever of them is there answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from deploy.cluster.address import HOST, Address
from runtime.embedded.processes import choose_port


class Echo:
    """Says its name and what it was told, and ends with its connections."""

    def __init__(self, name: str) -> None:
        self.name, self.port = name, choose_port()
        self._listening = socket.create_server((HOST, self.port))
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for one in self._connections:
            one.close()

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self._listening.accept()
            except OSError:
                return
            self._connections.append(taken)
            taken.sendall(f"{self.name}:{taken.recv(100).decode()}".encode())


@pytest.fixture
def servers() -> Iterator[list[Echo]]:
    with ExitStack() as stack:
        made = [Echo("a"), Echo("b")]
        stack.callback(made[1].stop)
        yield made


def ask(address: Address) -> str:
    with socket.create_connection((HOST, address.port), timeout=10) as connection:
        connection.sendall(b"who")
        return connection.recv(100).decode()


def test_servers_answer_by_turns_and_one_that_is_gone_is_passed_over(servers: list[Echo]) -> None:
    address = Address(choose_port(), [one.port for one in servers])
    address.start()
    try:
        both = {ask(address), ask(address)}
        servers[0].stop()
        after = {ask(address), ask(address), ask(address)}
    finally:
        address.stop()

    assert both == {"a:who", "b:who"}
    assert after == {"b:who"}


def test_connection_that_nobody_takes_ends() -> None:
    address = Address(choose_port(), [choose_port()])
    address.start()
    try:
        with suppress(ConnectionError):
            assert ask(address) == ""
    finally:
        address.stop()
