"""Answers that are computed after the route's transaction has ended.

A route that returns one holds neither a connection nor a slot while its file is made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from fastapi import Response
from starlette.types import Receive, Scope, Send


class Rendered(Response):
    """A file that is rendered when it is sent; what goes wrong is answered as anywhere."""

    suffix: ClassVar[str]

    def __init__(self, render: Callable[[], Awaitable[bytes]], *, name: str) -> None:
        super().__init__(
            headers={"Content-Disposition": f'inline; filename="{name}.{self.suffix}"'}
        )
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Render the file, and send it."""
        self.body = await self._render()
        self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


class RenderedPdf(Rendered):
    """A PDF file."""

    media_type = "application/pdf"
    suffix = "pdf"


class RenderedXml(Rendered):
    """An XML file."""

    media_type = "application/xml"
    suffix = "xml"
