"""Usage by the batch: events wait here until they are many or old, and are sent together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, Unpack
from uuid import uuid4

from fluxrate_client.async_resources import AsyncUsageOperations
from fluxrate_client.errors import FluxrateError
from fluxrate_client.models import BatchResult, RowError
from fluxrate_client.params import EventReportParams
from fluxrate_client.resources import UsageOperations

LARGEST_BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedEvent:
    """An event that was refused: nothing of it is stored, and its key is free.

    Mend it, and send it again: ``client.usage.track(**{**row.event, "properties": {…}})``.
    """

    event: EventReportParams
    """What was sent, with the key that it was given where it had none."""

    error: RowError
    """Why, by ``code`` for programs and ``detail`` for people, and the ``field`` to blame."""

    index: int
    """Its place in what was sent together, counted from 0. Each sending begins at 0."""

    @property
    def idempotency_key(self) -> str:
        """The key of the event."""
        return str(self.event["idempotency_key"])


class EventsRejected(FluxrateError):
    """Some events of a batch were refused; all others are stored. ``rows`` are those refused."""

    def __init__(self, rows: Sequence[RejectedEvent]) -> None:
        self.rows = rows
        first = rows[0]
        super().__init__(
            f"{len(rows)} events were rejected, the first ({first.idempotency_key}):"
            f" {first.error.code}: {first.error.detail}"
        )


class Usage(UsageOperations):
    """Operations of ``client.usage``, and batches."""

    def track_all(self, rows: Sequence[EventReportParams], **options: Any) -> BatchResult:
        """Record up to 10,000 events. Those without an ``idempotency_key`` are given one."""
        return super().track_all([keyed(row) for row in rows], **options)

    def batching(self, *, size: int = 500, seconds: float = 5.0) -> Batch:
        """A place for events, sent when there are ``size`` of them, or the oldest is so old."""
        return Batch(self.track_all, size=size, seconds=seconds)


class AsyncUsage(AsyncUsageOperations):
    """The same, awaited."""

    async def track_all(self, rows: Sequence[EventReportParams], **options: Any) -> BatchResult:
        """Record up to 10,000 events. Those without an ``idempotency_key`` are given one."""
        return await super().track_all([keyed(row) for row in rows], **options)

    def batching(self, *, size: int = 500, seconds: float = 5.0) -> AsyncBatch:
        """A place for events, sent when there are ``size`` of them, or the oldest is so old."""
        return AsyncBatch(self, size=size, seconds=seconds)


class _Waiting:
    """Events that were not sent yet, and the answers about those that were refused."""

    def __init__(self, *, size: int, seconds: float) -> None:
        if not 1 <= size <= LARGEST_BATCH:
            raise ValueError(f"A batch has 1 to {LARGEST_BATCH} events, not {size}.")
        self.size = size
        self.seconds = seconds
        self.rows: list[EventReportParams] = []
        self.rejected: list[RejectedEvent] = []
        self.failure: Exception | None = None

    def take(self) -> list[EventReportParams]:
        """The next events to send; they wait until they are answered."""
        return self.rows[: self.size]

    def keep(self, answer: BatchResult, sent: list[EventReportParams]) -> None:
        """Those events were answered."""
        del self.rows[: len(sent)]
        self.rejected += [
            RejectedEvent(event=sent[row.index], error=row.error, index=row.index)
            for row in answer.results
            if row.error is not None
        ]

    def raise_what_failed(self) -> None:
        """Raises what went wrong since it was last asked."""
        failure, self.failure = self.failure, None
        rejected, self.rejected = self.rejected, []
        if failure is not None:
            raise failure
        if rejected:
            raise EventsRejected(rejected)


class Batch:
    """Collects events from any thread; leaving the ``with`` sends what still waits.

    ``track`` never waits for the network. An event that could not be sent stays and is sent again,
    under the key that it was given, so that it is counted once.
    """

    def __init__(self, send: Callable[..., BatchResult], *, size: int, seconds: float) -> None:
        self._send = send
        self._waiting = _Waiting(size=size, seconds=seconds)
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._full, self._is_over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="fluxrate-usage", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._full.set()
        self._thread.join()
        self.flush()

    def track(self, **event: Unpack[EventReportParams]) -> None:
        """The event is sent soon. It is what ``client.usage.track`` takes."""
        with self._lock:
            self._waiting.rows.append(keyed(event))
            if len(self._waiting.rows) >= self._waiting.size:
                self._full.set()

    def flush(self) -> None:
        """Every event is stored. Raises FluxrateError, also what failed in the background."""
        self._send_all()
        self._waiting.raise_what_failed()

    def _work(self) -> None:
        while not self._is_over.is_set():
            self._full.wait(self._waiting.seconds)
            self._full.clear()
            try:
                self._send_all()
            except FluxrateError as failure:  # told at the next flush, and then tried again
                self._waiting.failure = failure

    def _send_all(self) -> None:
        with self._sending:
            while True:
                with self._lock:
                    rows = self._waiting.take()
                if not rows:
                    return
                answer = self._send(rows, results="errors")
                with self._lock:
                    self._waiting.keep(answer, rows)
                self._waiting.failure = None


class AsyncBatch:
    """The same for an event loop."""

    def __init__(self, usage: AsyncUsage, *, size: int, seconds: float) -> None:
        self._usage = usage
        self._waiting = _Waiting(size=size, seconds=seconds)
        self._full, self._sending = asyncio.Event(), asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._work())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        async with self._sending:
            if self._task is not None:
                self._task.cancel()
        await self.flush()

    def track(self, **event: Unpack[EventReportParams]) -> None:
        """The event is sent soon. It is what ``client.usage.track`` takes."""
        self._waiting.rows.append(keyed(event))
        if len(self._waiting.rows) >= self._waiting.size:
            self._full.set()

    async def flush(self) -> None:
        """Every event is stored. Raises FluxrateError, also what failed in the background."""
        await self._send_all()
        self._waiting.raise_what_failed()

    async def _work(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), self._waiting.seconds)
            self._full.clear()
            try:
                await self._send_all()
            except FluxrateError as failure:  # told at the next flush, and then tried again
                self._waiting.failure = failure

    async def _send_all(self) -> None:
        async with self._sending:
            while rows := self._waiting.take():
                answer = await self._usage.track_all(rows, results="errors")
                self._waiting.keep(answer, rows)
                self._waiting.failure = None


def keyed(event: EventReportParams) -> EventReportParams:
    """The event with a key by which a repeat of it is known."""
    if event.get("idempotency_key") is not None:
        return event
    return {**event, "idempotency_key": str(uuid4())}
