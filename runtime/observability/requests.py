"""A span around each request, in front of everything else that surrounds it."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.observability.identities import read_traceparent, within
from runtime.observability.traces import Traces

UNTRACED: Final = frozenset({"/livez", "/readyz", "/health", "/metrics", "/status"})
"""Probes come every few seconds and say nothing of billing."""


class TracedRequests:
    """Names each request by the template of its route. Neither path, query nor headers are kept.

    A trace that the caller began goes on; whether it is kept is ours to say.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        traces: Traces,
        route_of: Callable[[MutableMapping[str, Any]], str],
    ) -> None:
        self._app = app
        self._traces = traces
        self._route_of = route_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request within its span."""
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            await self._app(scope, receive, send)
            return
        statuses: list[int] = []

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        place = read_traceparent(_header(scope, b"traceparent"))
        context = Context() if place is None else within(place)
        with self._traces.span("request", kind=SpanKind.SERVER, context=context) as span:
            await self._app(scope, receive, noted)
            if span.is_recording():
                self._describe(span, scope, statuses[0] if statuses else 500)

    def _describe(self, span: Span, scope: Scope, status: int) -> None:
        route = self._route_of(scope)
        method = scope["method"] if route != "unmatched" else "_OTHER"
        span.update_name(f"{method} {route}")
        span.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "fluxrate.request_id": scope["state"].get("request_id", ""),
            }
        )
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))


def _header(scope: Scope, name: bytes) -> str | None:
    found = next((value for one, value in scope["headers"] if one == name), None)
    return None if found is None else found.decode("latin-1")
