"""The framework as we use it: what is in front of it, and what surrounds both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api.transport.fast_path import FastRoutes, Framework
from api.transport.urls import paths


class Application(FastAPI):
    """The framework, with the busiest routes in front of it and the same middleware around both."""

    def __init__(
        self,
        *,
        public_url: str,
        addresses: Sequence[tuple[str, str]],
        front: FastRoutes,
        middleware: Sequence[Middleware],
        **rest: Any,
    ) -> None:
        self.public_url = public_url
        self.addresses = addresses
        super().__init__(middleware=[*middleware, Middleware(Framework, front=front)], **rest)
        self._front = front
        self._surrounded_front: ASGIApp = front
        for around in reversed(middleware):
            self._surrounded_front = around.cls(
                self._surrounded_front, *around.args, **around.kwargs
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by the front if it knows the route, else by the framework."""
        if scope["type"] == "http":
            if scope["method"] == "HEAD":
                send = paths.without_body(send)
            scope = paths.read_address(scope)
        if self._front.find(scope):
            scope["app"] = self
            await self._surrounded_front(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
