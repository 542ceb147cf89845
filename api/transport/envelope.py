"""What surrounds every request: its id, its headers, its log line, its last resort."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, MutableMapping
from itertools import count
from typing import Any

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.request_log import RequestLog
from api.admission.rates.policies import Rates
from api.transport.deprecations import Deprecation, read_deprecations
from api.transport.errors import answer_unexpected
from api.transport.metrics import Metrics
from api.transport.urls.paths import TEMPLATE, method_of

log = structlog.get_logger(__name__)

REQUEST_ID_HEADER = "X-Request-Id"
REQUEST_ID_NAME = REQUEST_ID_HEADER.lower().encode()
ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
PROCESS = secrets.token_hex(8)
"""What tells the request ids of this process from those of all others."""

KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

QUIET_ROUTES = frozenset(
    {
        "/api/v1/customers/{customer_id}/entitlements/{lookup_key}",
        "/api/v1/sdk/track",
        "/api/v1/usage",
        "/api/v1/usage/batch",
        "/health",
        "/livez",
        "/metrics",
        "/readyz",
    }
)
"""Routes too busy for a line per request: they are counted, and logged only when they fail."""

REFUSED = frozenset({401, 403})
"""Answers to whoever shows bad credentials, or reaches for more than they may: always logged."""

SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Headers of every answer that does not set them itself. Pages and documents have policies of
their own; of anything else, such as JSON, a browser that shows it loads and runs nothing."""

STRICT_TRANSPORT = b"strict-transport-security"
"""One more over https."""

A_YEAR = b"max-age=31536000"

EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")

_numbers = count()


class RequestMiddleware:
    """Gives each request an id, and sees to it that it ends with an answer, counted and logged.

    A request id of the caller is kept if it is 8 to 64 letters, digits, dots, dashes or
    underscores. Neither log nor metrics hold paths as sent, since those may carry public tokens.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        rates: Rates,
        request_log: RequestLog,
        has_subdomains_encrypted: bool = False,
    ) -> None:
        age = A_YEAR + b"; includeSubDomains" if has_subdomains_encrypted else A_YEAR
        self._encrypted_defaults = (*SAFE_HEADERS, (STRICT_TRANSPORT, age))
        self._app = app
        self._deprecations = read_deprecations()
        self._metrics = metrics
        self._rates = rates
        self._request_log = request_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        request.state.request_id = request_id_of(request)
        is_secure = scope["scheme"] == "https"
        defaults = self._encrypted_defaults if is_secure else SAFE_HEADERS
        answer = _Answer(send, request, self._rates, defaults, self._deprecations)
        started_at = time.perf_counter()
        bound = structlog.contextvars.bind_contextvars(request_id=request.state.request_id)
        try:
            await self._answer(scope, receive, answer)
            ended_at = answer.streams_from or time.perf_counter()
            self._record(scope, answer.status or 500, ended_at - started_at)
        finally:
            structlog.contextvars.reset_contextvars(**bound)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            if answer.status is not None:
                raise
            response = await answer_unexpected(Request(scope, receive), error)
            await response(scope, receive, answer.send)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method = method_of(scope)
        method = method if method in KNOWN_METHODS else "OTHER"
        route = route_of(scope)
        self._metrics.observe_request(method, route, status, seconds)
        self._request_log.note(scope, method, route, status, seconds)
        if status >= 500 or status in REFUSED or route not in QUIET_ROUTES:
            problem = scope["state"].get("problem")
            log.info(
                "request_answered",
                method=method,
                route=route,
                status=status,
                milliseconds=int(seconds * 1000),
                **({} if problem is None else {"code": problem}),
            )


def request_id_of(request: Request) -> str:
    """The caller's id for the request if it is well-formed, else a new one."""
    offered = request.headers.get(REQUEST_ID_HEADER, "")
    if offered and ACCEPTED_REQUEST_ID.fullmatch(offered):
        return offered
    return f"req_{PROCESS}{next(_numbers):08x}"


def route_of(scope: MutableMapping[str, Any]) -> str:
    """The template that the path matched, such as ``/api/v1/plans/{plan_id}``."""
    if TEMPLATE in scope:
        return str(scope[TEMPLATE])
    if "endpoint" not in scope:
        return "unmatched"
    if not scope.get("path_params"):
        return str(scope["path"])
    names = {str(value): name for name, value in scope["path_params"].items()}
    parts = (names.get(part) for part in scope["path"].split("/"))
    return "/".join(
        part if name is None else f"{{{name}}}"
        for part, name in zip(scope["path"].split("/"), parts, strict=True)
    )


_Headers = tuple[tuple[bytes, bytes], ...]


class _Answer:
    """The answer on its way out, with its status once it has begun."""

    def __init__(
        self,
        send: Send,
        request: Request,
        rates: Rates,
        defaults: _Headers,
        deprecations: Mapping[tuple[str, str], Deprecation],
    ) -> None:
        self._deprecations = deprecations
        self._send = send
        self._scope = request.scope
        self._rates = rates
        self._request_id = (REQUEST_ID_NAME, request.state.request_id.encode())
        self._defaults = defaults
        self.status: int | None = None
        self.streams_from: float | None = None
        """When an answer began that lasts for as long as somebody listens."""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # ASGI writes the names of headers in small letters.
            own = [header for header in message["headers"] if header[0] != REQUEST_ID_NAME]
            present = {name for name, _ in own}
            if EVENT_STREAM in own:
                self.streams_from = time.perf_counter()
            missing = [header for header in self._defaults if header[0] not in present]
            limits = self._rates.headers(self._scope)
            more = (*limits, *self._deprecated(), *missing)
            message = {**message, "headers": [*own, self._request_id, *more]}
        await self._send(message)

    def _deprecated(self) -> _Headers:
        """Since when the operation is deprecated and until when it works; mostly nothing."""
        if not self._deprecations:
            return ()
        method = method_of(self._scope)
        # A HEAD is answered with what a GET would be.
        operation = ("GET" if method == "HEAD" else method, route_of(self._scope))
        found = self._deprecations.get(operation)
        return () if found is None else found.headers
