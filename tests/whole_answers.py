"""Requests to an application in the event loop of another thread, by one step to it and back.

Starlette's client takes nine to make and read an answer bit by bit, which costs more than a short
answer does. Here it is given once it is whole: nobody who asks this way listens to a stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from anyio.from_thread import BlockingPortal
from httpx2 import BaseTransport, ByteStream, Request, Response
from starlette.types import ASGIApp, Message, Scope

PORTS: Final = {"http": 80, "https": 443}
CLIENT: Final = ("testclient", 50000)

_LOOPS: Final[WeakKeyDictionary[BlockingPortal, asyncio.AbstractEventLoop]] = WeakKeyDictionary()


class WholeAnswers(BaseTransport):
    """Asks an application; whoever gets no answer from it is told 500, with nothing in it."""

    def __init__(
        self,
        app: ASGIApp,
        open_portal: Callable[[], AbstractContextManager[BlockingPortal]],
        state: dict[str, Any],
    ) -> None:
        self._app = app
        self._open_portal = open_portal
        self._state = state
        self.client = CLIENT
        """The address and port that requests come from."""

    def handle_request(self, request: Request) -> Response:
        """The answer to a request, once the application is done with it."""
        asked = _Asked(request.read())
        with self._open_portal() as portal:
            answering = asked.ask(self._app, _scope_of(request, self._state, self.client))
            asyncio.run_coroutine_threadsafe(answering, _loop_of(portal)).result()
        return Response(
            asked.status,
            headers=asked.headers,
            stream=ByteStream(bytes(asked.content)),
            request=request,
        )


class _Asked:
    """A request on its way, and what has come of it."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._whole = asyncio.Event()
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.content = bytearray()

    async def ask(self, app: ASGIApp, scope: Scope) -> None:
        """Let the application answer, and end."""
        try:
            await app(scope, self._receive, self._send)
        except Exception:  # noqa: BLE001  (whoever asks sees what a client sees)
            return

    async def _receive(self) -> Message:
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body}
        await self._whole.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            assert not self.headers, "an answer begins once"
            self.status, self.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            assert not self._whole.is_set(), "nothing follows the end of an answer"
            self.content += message.get("body", b"")
            if not message.get("more_body", False):
                self._whole.set()


def _scope_of(request: Request, state: dict[str, Any], client: tuple[str, int]) -> Scope:
    url = request.url
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "path": unquote(url.path),
        "raw_path": url.raw_path.partition(b"?")[0],
        "root_path": "",
        "scheme": url.scheme,
        "query_string": url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": client,
        "server": [url.host, url.port or PORTS[url.scheme]],
        "extensions": {},
        "state": state.copy(),
    }


def _loop_of(portal: BlockingPortal) -> asyncio.AbstractEventLoop:
    """The portal's event loop, which it is asked for once."""
    if portal not in _LOOPS:
        _LOOPS[portal] = portal.call(asyncio.get_running_loop)
    return _LOOPS[portal]
