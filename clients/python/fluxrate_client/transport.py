"""Requests and their answers: sent until they are answered, read exactly, or raised."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx2

from fluxrate_client.answers import tagged
from fluxrate_client.errors import ApiError, ConnectionFailed, error_of
from fluxrate_client.exact import Left, dump, given, load, query_of, read
from fluxrate_client.retries import Retries

_ERROR = 400

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Call(Generic[T]):
    """One operation with what it is given.

    ``answer`` is the type of what it answers, or of what stands there ``within`` an envelope.
    """

    method: str
    path: str
    answer: type[T] | Any
    within: str | None = None
    place: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    idempotency_key: str | None = None

    def request(self) -> dict[str, Any]:
        """What httpx sends, the same at every attempt."""
        headers = {name: _in_header(name, one) for name, one in given(self.headers).items()}
        if self.method == "POST":
            headers["Idempotency-Key"] = self.idempotency_key or str(uuid4())
        request: dict[str, Any] = {
            "method": self.method,
            "url": self.path.format_map({name: _in_path(one) for name, one in self.place.items()}),
            "params": query_of(self.query),
            "headers": headers,
        }
        body = given(self.body) if isinstance(self.body, Mapping) else self.body
        if body is not None and not isinstance(body, Left):
            request["content"] = dump(body)
            headers["Content-Type"] = "application/json"
        return request

    def read(self, response: httpx2.Response) -> T:
        """The answer, as its type."""
        answer: Any
        if self.answer is bytes:
            answer = response.content
        elif self.answer is str:
            answer = response.text
        elif self.answer is None or not response.content:
            answer = None
        else:
            document = load(response.content)
            answer = read(self.answer, document if self.within is None else document[self.within])
            tagged(answer, response.headers.get("etag"))
        return answer  # type: ignore[no-any-return]  # the document says that it is T


class Caller(Protocol):
    """Sends a call and waits for its answer."""

    def call(self, call: Call[T]) -> T:
        """The answer. Raises FluxrateError."""


class AsyncCaller(Protocol):
    """Sends a call; the answer is awaited."""

    def call(self, call: Call[T]) -> Awaitable[T]:
        """The answer. Raises FluxrateError."""


class Transport:
    """Sends calls one after another."""

    def __init__(self, http: httpx2.Client, retries: Retries) -> None:
        self.http = http
        self._retries = retries

    def call(self, call: Call[T]) -> T:
        """The answer. Raises FluxrateError."""
        request, attempt = call.request(), 1
        while True:
            try:
                response = self.http.request(**request)
            except httpx2.TransportError as failure:
                time.sleep(_pause(self._retries, attempt, failure))
            else:
                if response.status_code < _ERROR:
                    return call.read(response)
                time.sleep(_pause(self._retries, attempt, response))
            attempt += 1


class AsyncTransport:
    """Sends calls from an event loop."""

    def __init__(self, http: httpx2.AsyncClient, retries: Retries) -> None:
        self.http = http
        self._retries = retries

    async def call(self, call: Call[T]) -> T:
        """The answer. Raises FluxrateError."""
        request, attempt = call.request(), 1
        while True:
            try:
                response = await self.http.request(**request)
            except httpx2.TransportError as failure:
                await asyncio.sleep(_pause(self._retries, attempt, failure))
            else:
                if response.status_code < _ERROR:
                    return call.read(response)
                await asyncio.sleep(_pause(self._retries, attempt, response))
            attempt += 1


def _pause(
    retries: Retries, attempt: int, outcome: httpx2.Response | httpx2.TransportError
) -> float:
    """How long to wait before the next attempt. Raises FluxrateError if there is none."""
    if isinstance(outcome, httpx2.TransportError):
        pause = retries.pause_after(attempt, None)
        if pause is None:
            raise ConnectionFailed(f"No answer after {attempt} attempts: {outcome!r}") from outcome
        return pause
    failure = _read_problem(outcome)
    pause = retries.pause_after(attempt, failure)
    if pause is None:
        raise failure
    return pause


def _read_problem(response: httpx2.Response) -> ApiError:
    try:
        problem = load(response.content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": response.text[:500]}  # of a proxy, not of the API
    return error_of(response.status_code, problem, response.headers)


def _in_header(name: str, value: Any) -> str:
    if value is None:  # left out without a word, it would be an edit that nothing guards
        raise ValueError(f"{name} is None: leave it out, or give the tag of what you read.")
    return str(value)


def _in_path(value: Any) -> str:
    text = str(value)
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} cannot stand in an address.")
    return quote(text, safe="")
