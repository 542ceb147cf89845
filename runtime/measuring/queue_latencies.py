"""How long Temporal's tasks waited for this worker, as its library measures it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn

from temporalio.runtime import MetricBuffer, MetricBufferDurationFormat

from runtime.temporal import make_runtime

BUFFER: Final = 100_000
"""More than a second's worth of what the library measures, of which one in ten is looked at."""

LOOK_SECONDS: Final = 1.0

KINDS: Final = {
    "temporal_workflow_task_schedule_to_start_latency": "workflow",
    "temporal_activity_schedule_to_start_latency": "activity",
}


class QueueLatencies:
    """Hands on what the library measures of queues.

    Measuring costs a little for every call to Temporal, so that it is for those who look at it:
    ``is_measured`` says whether there are any.
    """

    def __init__(self, observe: Callable[[str, float], None], *, is_measured: bool) -> None:
        """``observe`` is told the kind of each task, and for how many seconds it waited."""
        self._observe = observe
        self._buffer: MetricBuffer | None = None
        if is_measured:
            self._buffer = MetricBuffer(BUFFER, MetricBufferDurationFormat.SECONDS)
        self.runtime = make_runtime(self._buffer)
        """What clients are to be connected with."""

    async def run(self) -> NoReturn:
        """Hand on until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.hand_on()

    def hand_on(self) -> None:
        """What was measured since the last time is observed."""
        if self._buffer is None:
            return
        for update in self._buffer.retrieve_updates():
            kind = KINDS.get(update.metric.name)
            if kind is not None:
                self._observe(kind, float(update.value))
