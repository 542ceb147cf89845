"""Whose word about other addresses the API takes (CONTRACT 101)."""

from __future__ import annotations

from typing import Any

import pytest
from uvicorn import Config

from cli.serve import forwarding
from runtime.settings import Settings

NAMED = "10.0.0.7, 172.16.0.0/12"


async def seen(trusted: str, peer: str) -> tuple[str, str]:
    """The address and the scheme that a request has, whose peer says that it forwards another."""
    scopes: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        scopes.append(scope)

    settings = Settings(_env_file=None, trusted_proxies=trusted)
    config = Config(app, interface="asgi3", log_config=None, **forwarding(settings))
    config.load()
    said = [(b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "scheme": "http", "client": (peer, 1), "headers": said}
    await config.loaded_app(scope, None, None)
    return scopes[0]["client"][0], scopes[0]["scheme"]


@pytest.mark.parametrize("peer", ["10.0.0.7", "172.20.0.1"])
async def test_proxies_that_are_named_are_believed(peer: str) -> None:
    assert await seen(NAMED, peer) == ("192.0.2.1", "https")


@pytest.mark.parametrize(
    ("trusted", "peer"), [("", "127.0.0.1"), ("", "10.0.0.7"), (NAMED, "10.0.0.8")]
)
async def test_nobody_else_is_believed(trusted: str, peer: str) -> None:
    assert await seen(trusted, peer) == (peer, "http")
