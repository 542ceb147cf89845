"""Streams of the API as they come: within the process, for the member who looks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from billing.invoicing.kinds import DocumentLanguage
from console.rendering import render
from console.workspace.asking import Member, Refused
from console.workspace.values import Values

OK: Final = 200
CLOSED: Final = b"event: done\ndata: done\n\n"
MOST_PARTS: Final = 16
"""As many are read ahead; the API waits for whoever reads slower."""


@dataclass(slots=True)
class Stream:
    """An answer of the API on its way; it is given up when nobody reads on."""

    scope: Scope
    parts: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(MOST_PARTS))
    began: asyncio.Future[int] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    _left: asyncio.Event = field(default_factory=asyncio.Event)
    _is_asked: bool = False

    async def receive(self) -> Message:
        """What the API hears: the question, and in the end that its caller left."""
        if not self._is_asked:
            self._is_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """What the API says."""
        if message["type"] == "http.response.start":
            self.began.set_result(message["status"])
            return
        if message.get("body"):
            await self.parts.put(message["body"])
        if not message.get("more_body", False):
            await self.parts.put(None)

    async def messages(self, task: asyncio.Task[None]) -> AsyncIterator[Any]:
        """The document of each message; None of one that says nothing."""
        rest = b""
        try:
            while (part := await self.parts.get()) is not None:
                *whole, rest = (rest + part).split(b"\n\n")
                for one in whole:
                    yield json.loads(one[6:]) if one.startswith(b"data: ") else None
        finally:
            self._left.set()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def open_stream(member: Member, path: str) -> AsyncIterator[Any]:
    """The messages of a stream of the API. Raises Refused."""
    stream = Stream(member.scope_of(path))
    task = asyncio.ensure_future(member.request.app(stream.scope, stream.receive, stream.send))
    await asyncio.wait({stream.began, task}, return_when=asyncio.FIRST_COMPLETED)
    if stream.began.done() and stream.began.result() == OK:
        return stream.messages(task)
    task.cancel()
    raise Refused(stream.began.result() if stream.began.done() else 500, {})


def writer_of(member: Member, template: str) -> Callable[..., bytes]:
    """What writes a part of a screen as the member reads it, out of what the template shows."""
    values = Values.of(member.organization, member.locale)
    return partial(
        render, f"workspace/{template}", language=DocumentLanguage.ENGLISH, values=values
    )


class Fragments(StreamingResponse):
    """Parts of a screen as they come to be, for a script that listens."""

    media_type = "text/event-stream"

    def __init__(
        self,
        messages: AsyncIterator[Any],
        write: Callable[[Any], bytes],
        *,
        closes: bool = False,
        held: AsyncExitStack | None = None,
    ) -> None:
        """One that ``closes`` says so at its end; of others the script opens another.

        What is ``held`` for it is given back once it is over, or nobody listens any more.
        """
        parts = _written(messages, write, CLOSED if closes else b"")
        super().__init__(parts, headers={"X-Accel-Buffering": "no"})
        self._held = held or AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer as it is sent."""
        async with self._held:
            await super().__call__(scope, receive, send)


async def _written(
    messages: AsyncIterator[Any], write: Callable[[Any], bytes], end: bytes
) -> AsyncIterator[bytes]:
    try:
        async for message in messages:
            yield b": nothing\n\n" if message is None else _data(write(message))
    except Refused:
        # The script asks again, and is told why not.
        return
    if end:
        yield end


def _data(fragment: bytes) -> bytes:
    lines = fragment.replace(b"\r", b"").split(b"\n")
    return b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"
