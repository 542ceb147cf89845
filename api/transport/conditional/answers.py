"""Answers with tags: 304 for whoever has them already, a new tag for whoever edits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.authentication import ORGANIZATION_HEADER
from api.transport import number_texts
from api.transport.conditional.edits import EDIT, Edit
from api.transport.conditional.resources import EDITS
from api.transport.conditional.tags import (
    IF_MATCH,
    Conditions,
    MalformedTags,
    read_conditions,
    tag_of,
)
from api.transport.errors import CHANGED, problem

VARIES: Final = (b"vary", f"{number_texts.HEADER}, {ORGANIZATION_HEADER}".encode())
"""What else the bytes of an answer depend on: a tag is of one way to write its numbers."""


class ConditionalAnswers:
    """Gives whole JSON answers to reads a tag, and spares those who have it the answer.

    What an edit asks is looked into where its transaction is open (``edits``).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; tags that are none are 400."""
        try:
            asked = read_conditions(scope.get("headers", ()))
        except MalformedTags as error:
            response = problem(
                Request(scope),
                400,
                "invalid_header",
                f'{error.header} is * or a list of tags in double quotes: "a", "b".',
                errors=[{"in": "header", "field": error.header, "code": "invalid_header"}],
            )
            await response(scope, receive, send)
            return
        method = scope.get("method")
        if method == "GET":
            send = _TaggedRead(scope, send, asked).send
        elif asked is not None or method in EDITS:
            edit = Edit(asked=asked, answers_with_tag=method in EDITS)
            scope[EDIT] = edit
            send = _TaggedEdit(scope, send, edit).send
        await self._app(scope, receive, send)


class _TaggedRead:
    """Holds the start of an answer back until its body is there, if that comes at once."""

    def __init__(self, scope: Scope, send: Send, asked: Conditions | None) -> None:
        self._scope = scope
        self._send = send
        self._asked = asked
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] == 200 and number_texts.is_json(message["headers"]):
                self._start = message
                return
        elif self._start is not None:
            start, self._start = self._start, None
            if message.get("more_body", False):
                await self._send(start)
            else:
                await self._send_tagged(start, message)
                return
        await self._send(message)

    async def _send_tagged(self, start: Message, message: Message) -> None:
        tag = tag_of(message.get("body", b""))
        added = [(b"etag", tag), VARIES]
        if self._asked is not None:
            if self._asked.if_match is not None and not self._asked.if_match.match_strongly({tag}):
                await self._refuse()
                return
            if_none_match = self._asked.if_none_match
            if if_none_match is not None and if_none_match.match_weakly({tag}):
                await self._send({**start, "status": 304, "headers": added})
                await self._send({"type": "http.response.body", "body": b""})
                return
        await self._send({**start, "headers": [*start["headers"], *added]})
        await self._send(message)

    async def _refuse(self) -> None:
        errors = [{"in": "header", "field": IF_MATCH, "code": CHANGED[0]}]
        response = problem(Request(self._scope), 412, *CHANGED, errors=errors)
        await response(self._scope, _receive_nothing, self._send)


@dataclass(frozen=True, slots=True)
class _TaggedEdit:
    """Adds the tag of what an edit has left to its answer."""

    scope: Scope
    forward: Send
    edit: Edit

    async def send(self, message: Message) -> None:
        is_start = message["type"] == "http.response.start"
        if is_start and self.edit.answers_with_tag and message["status"] < 300:
            message = {**message, "headers": [*message["headers"], *self._headers()]}
        await self.forward(message)

    def _headers(self) -> Iterable[tuple[bytes, bytes]]:
        shown = self.edit.left
        if shown is None:
            return ()
        if number_texts.are_asked_for(self.scope):
            shown = number_texts.with_number_texts(shown)
        return ((b"etag", tag_of(shown)), VARIES)


async def _receive_nothing() -> Any:
    return {"type": "http.disconnect"}
