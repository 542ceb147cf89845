"""JSON that keeps every digit: numbers come in as decimals and go out as they are (CONTRACT 1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api import limits
from api.admission import Admission
from api.idempotency import answer_once
from billing.errors import InvalidInput
from billing.money import plain_text
from billing.receipts import instant_text

WRITING_METHODS = frozenset({"POST", "PUT", "PATCH"})
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class NotANumber:
    """NaN or an infinity, which JSON does not have but parsers accept. No field takes it."""

    text: str


def load_json(body: bytes) -> Any:
    """The document with its numbers as decimals and integers, digit for digit.

    Raises InvalidInput for anything but JSON, and for texts that columns refuse.
    """
    try:
        text = body.decode("utf-8")
        document = json.loads(text, parse_float=Decimal, parse_constant=NotANumber)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InvalidInput("The body is not valid JSON.", code="invalid_json") from error
    if "\\u" in text:
        limits.require_storable_text(document)
    return document


def depth_of(document: Any) -> int:
    """How many objects and lists lie within each other; a plain value has depth 0."""
    deepest = 0
    waiting = [(document, 0)]
    while waiting:
        value, above = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((inner, above + 1) for inner in value.values())
        elif isinstance(value, list):
            waiting.extend((inner, above + 1) for inner in value)
        else:
            continue
        deepest = max(deepest, above + 1)
    return deepest


def dump_json(content: Any) -> bytes:
    """The JSON of a response: decimals as plain numbers, instants in UTC with Z."""
    return _encoder.encode(_jsonable(content))


def respond(content: Any, status_code: int = 200) -> Response:
    """A response whose numbers keep their digits."""
    return Response(dump_json(content), status_code=status_code, media_type="application/json")


class LosslessRequest(Request):
    """A request whose body is bounded, and whose JSON keeps its digits."""

    async def body(self) -> bytes:
        """The bytes of the body, read once. Raises TooLarge."""
        if not hasattr(self, "_body"):
            declared = self.headers.get("content-length")
            self._body = await limits.read_within(self.stream(), declared=declared)
        return self._body

    async def json(self) -> Any:
        """The body, parsed once."""
        if not hasattr(self, "_lossless"):
            self._lossless = load_json(await self.body())
        return self._lossless

    async def require_acceptable(self) -> None:
        """Return if the address and the body can be worked with.

        Raises TooLarge, InvalidInput, and HTTPException for a body that is not JSON.
        """
        limits.require_storable_address(self)
        if self.method in WRITING_METHODS and await self.body():
            limits.require_json(self)
            await self.json()


class LosslessRoute(APIRoute):
    """A route that reads its body without loss, and is done once under an Idempotency-Key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given a request that parses decimals."""
        handle = super().get_route_handler()

        async def handle_losslessly(request: Request) -> Response:
            lossless = LosslessRequest(request.scope, request.receive)
            # Before the framework parses the body, since it answers what it cannot read with 400.
            await lossless.require_acceptable()
            admission: Admission = request.app.state.admission
            async with admission.admit():
                return await answer_once(lossless, handle)

        return handle_losslessly


def _jsonable(value: Any) -> Any:
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    match value:
        case None:
            return None
        case Enum():
            return value.value
        case BaseModel():
            return {name: _jsonable(item) for name, item in value}
        case Mapping():
            return {str(key): _jsonable(item) for key, item in value.items()}
        case list() | tuple():
            return [_jsonable(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no place in a response")


_WRITERS: Mapping[type, Callable[[Any], Any]] = {
    bool: bool,
    int: int,
    str: str,
    Decimal: lambda value: msgspec.Raw(plain_text(value).encode()),
    datetime: instant_text,
    UUID: str,
}
"""How the plainest values are written, by their exact type."""
