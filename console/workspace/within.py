"""Calls of the API within the process: what a server would do, without a socket between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.types import Message, Scope

PASSED_ON: Final = ("cookie", "origin", "sec-fetch-site", "user-agent", "x-request-id")
"""What of a browser's request the API judges by: whose it is, and from which page it comes."""
JSON: Final = {"content-type": "application/json"}
LINES: Final = {"content-type": "application/x-ndjson"}


@dataclass(slots=True)
class Answer:
    """What the API answers to one call, as it is said."""

    body: bytes
    status_code: int = 0
    cookies: list[str] = field(default_factory=list)
    content: bytes = b""
    _is_asked: bool = False
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> Message:
        """What the API hears: the question, and its end once that is answered."""
        if not self._is_asked:
            self._is_asked = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self._ended.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """What the API says."""
        if message["type"] == "http.response.start":
            self.status_code = message["status"]
            self.cookies = [
                value.decode("latin-1")
                for name, value in message["headers"]
                if name.lower() == b"set-cookie"
            ]
            return
        self.content += message.get("body", b"")
        if not message.get("more_body", False):
            self._ended.set()


async def call(
    request: Request,
    method: str,
    address: str,
    body: object | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """What the application that answers a request answers to a call of its API beside it.

    The address is a path with its query; a ``body`` of bytes is lines of JSON as they are.
    ``headers`` come beside those of the request that the API judges by, and before them.
    """
    is_lines = isinstance(body, bytes)
    written = (
        body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    )
    kind = LINES if is_lines else JSON
    more = {} if body is None else {**kind, "content-length": str(len(written))}
    answer = Answer(written)
    scope = scope_of(request, method, address, {**more, **(headers or {})})
    await request.app(scope, answer.receive, answer.send)
    return answer


def scope_of(request: Request, method: str, address: str, headers: Mapping[str, str]) -> Scope:
    """A call of the API as a server would hand it to an application."""
    path, _, query = address.partition("?")
    passed_on = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": request.url.scheme,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (b"host", request.url.netloc.encode()),
            *(
                (name.encode(), value.encode("latin-1"))
                for name, value in (passed_on | dict(headers)).items()
            ),
        ],
        "server": request.scope.get("server"),
        "client": request.scope.get("client"),
    }
