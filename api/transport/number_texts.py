"""Numbers as texts, for callers whose JSON parsers lose digits (CONTRACT 100).

With the header ``Fluxrate-Numbers: string`` every number of an answer is a decimal string, whoever
wrote the answer: a route, one in front of the framework, or a repeat of an earlier request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.transport.errors import problem

HEADER: Final = "Fluxrate-Numbers"
TEXTS: Final = "string"
_NAME: Final = HEADER.lower().encode()

_TEXT_OR_NUMBER: Final = re.compile(
    rb'"[^"\\]*(?:\\.[^"\\]*)*"|(-?[0-9]+(?:\.[0-9]+)?)([eE][+-]?[0-9]+)?'
)


class NumberTexts:
    """Writes the numbers of JSON answers as texts where the request asks for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; what else the header may say is 400."""
        asked = _asked_in(scope)
        if not asked:
            await self._app(scope, receive, send)
        elif all(value == TEXTS.encode() for value in asked):
            await self._app(scope, receive, _Rewriter(send).send)
        else:
            response = problem(
                Request(scope),
                400,
                "invalid_header",
                f"{HEADER} can only be {TEXTS}.",
                errors=[{"in": "header", "field": HEADER, "code": "invalid_header"}],
            )
            await response(scope, receive, send)


def are_asked_for(scope: Scope) -> bool:
    """Whether a request wants its numbers as texts."""
    return bool(_asked_in(scope))


def with_number_texts(document: bytes) -> bytes:
    """The JSON document with each number as a text of the same digits, never with an exponent.

    Worked example: ``{"price":0.10,"size":1e3}`` is ``{"price":"0.10","size":"1000"}``.
    """
    return _TEXT_OR_NUMBER.sub(_quote, document)


def is_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether an answer with these headers is a JSON document."""
    kinds = (value for name, value in headers if name.lower() == b"content-type")
    return any(kind.partition(b";")[0].strip().endswith((b"/json", b"+json")) for kind in kinds)


def _asked_in(scope: Scope) -> list[bytes]:
    return [value for name, value in scope.get("headers", ()) if name == _NAME]


def _quote(match: re.Match[bytes]) -> bytes:
    digits, exponent = match.groups()
    if digits is None:
        return match[0]
    if exponent is not None:
        digits = format(Decimal(match[0].decode()), "f").encode()
    return b'"' + digits + b'"'


class _Rewriter:
    """Holds an answer back until it is complete, since its length is not known before."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and is_json(message["headers"]):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_all(self._start)

    async def _send_all(self, start: Message) -> None:
        body = with_number_texts(bytes(self._body))
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["content-length"] = str(len(body))
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})
