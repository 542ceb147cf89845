"""A connection of the HTTP server that nobody can hold open by being slow, or fill without end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from runtime.serving.refusals import LARGE_HEAD, LATE, LONG_ADDRESS, MALFORMED, Refusal

if TYPE_CHECKING:
    from runtime.serving.connections import Connections

REQUEST_SECONDS: Final = 10.0
"""A request is there by then, from its first byte or from the beginning of the connection."""

BYTES_A_SECOND: Final = 16 * 1024
"""So much of a large body earns it another second."""

LEFTOVER_SECONDS: Final = 2.0
"""What is sent of a body after the answer is thrown away for so long, lest the answer be lost."""

READING_SECONDS: Final = 60.0
"""An answer of which nothing is read for so long is not wanted."""

ADDRESS_BYTES: Final = 16 * 1024
HEAD_BYTES: Final = 64 * 1024
MOST_HEADERS: Final = 128
VERSIONS: Final = ("1.0", "1.1")


class BoundedProtocol(HttpToolsProtocol):
    """One connection: parsed and answered by the server, within these bounds.

    Its times are looked at by :class:`Connections` every second and not by timers of its own, so
    that they cost a request nothing.
    """

    def __init__(self, keeper: Connections, **server: Any) -> None:  # noqa: ANN401  (the server's)
        super().__init__(**server)
        self._keeper = keeper
        self._refusal: Refusal | None = None
        self._awaits_head = True
        self._begun_at: float | None = None
        self._received = 0
        self._answered_at: float | None = None
        self._ended_at: float | None = None
        self._unread = (0, 0.0)

    @property
    def is_at_rest(self) -> bool:
        """Whether no request is being answered."""
        # The server says that there is always one; at first there is not.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    @property
    def waits_since(self) -> float:
        """Since when a request is being received; now if none is."""
        return self.loop.time() if self._begun_at is None else self._begun_at

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # narrower than its base, as uvicorn calls it
        """Somebody is there: a request is due. The server says the type as we do."""
        super().connection_made(transport)
        self._begun_at = self.loop.time()
        self._keeper.welcome(self)

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        if self._ended_at is not None:
            return
        if self._begun_at is None:
            self._begun_at, self._received = self.loop.time(), 0
        self._received += len(data)
        super().data_received(data)
        if self._awaits_head and self._received > HEAD_BYTES:
            self._refuse(LARGE_HEAD)

    def on_message_begin(self) -> None:
        """A request begins, perhaps right behind another."""
        if self._begun_at is None:
            self._begun_at, self._received = self.loop.time(), 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there. What it raises makes the server refuse the request."""
        self._awaits_head = False
        if self.parser.get_http_version() not in VERSIONS:
            self._refusal = MALFORMED
        elif len(self.url) > ADDRESS_BYTES:
            self._refusal = LONG_ADDRESS
        elif len(self.headers) > MOST_HEADERS or self._is_head_large():
            self._refusal = LARGE_HEAD
        if self._refusal is not None:
            raise ValueError(self._refusal.code)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of a request is there."""
        self._begun_at = None
        self._awaits_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """All of an answer is written."""
        self._answered_at = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  (the server's parameter)
        """The server's word for what it cannot parse, in ours."""
        self._refuse(self._refusal or MALFORMED)

    def look(self, now: float, since: float) -> None:
        """End the connection if its time is over; it was looked at ``since`` before."""
        if self.transport.is_closing():
            return
        if self.flow.write_paused:
            self._look_at_reader(now)
            return
        self._unread = (0, now)
        if self._ended_at is not None:
            if now - self._ended_at > LEFTOVER_SECONDS:
                self.transport.close()
        elif self._begun_at is None:
            return
        elif self.flow.read_paused:
            # We keep the client waiting, and not it us.
            self._begun_at += now - since
        elif self.is_at_rest and not self._awaits_head:
            if now - (self._answered_at or now) > LEFTOVER_SECONDS:
                self.transport.close()
        elif now - self._begun_at > self._allowed_seconds():
            self._end_late()

    def _allowed_seconds(self) -> float:
        return REQUEST_SECONDS + (0 if self._awaits_head else self._received / BYTES_A_SECOND)

    def _end_late(self) -> None:
        if self._awaits_head and not self.is_at_rest:
            # The request before this one is still being answered.
            return
        if self._received == 0:
            self.transport.close()
        else:
            self._refuse(LATE)

    def _look_at_reader(self, now: float) -> None:
        unread, since = self._unread
        left = self.transport.get_write_buffer_size()
        if left != unread:
            self._unread = (left, now)
        elif now - since > READING_SECONDS:
            self.transport.abort()

    def _is_head_large(self) -> bool:
        # What was received may hold much of the body as well.
        return self._received > HEAD_BYTES and (
            len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES
        )

    def _refuse(self, refusal: Refusal) -> None:
        """Answer the request that is being received, and end the connection.

        What the client still sends is thrown away for a while: closed at once, the connection
        would be reset, and the answer perhaps never read.
        """
        if self._ended_at is not None:
            return
        if self._is_answering_another():
            # It would be taken for that answer. Nothing more is read, and that answer is the last.
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        if self.is_at_rest or not self.cycle.response_started:
            self.transport.write(refusal.render())
        if not self.is_at_rest:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._ended_at = self.loop.time()
        self.transport.write_eof()

    def _is_answering_another(self) -> bool:
        """Whether what is refused is not the request that is being answered."""
        return not self.is_at_rest and (bool(self.pipeline) or not self.cycle.more_body)
