"""What a workflow passes on to its steps: who woke it. It makes no spans, and asks nobody the time.

Without this module's headers a history replays as with them: they change no command.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadConverter
from temporalio.worker import (
    ExecuteWorkflowInput,
    HandleSignalInput,
    StartActivityInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)

HEADER: Final = "fluxrate-trace"
"""Of a signal or a start: where the span stands that brought it about."""

WOKEN_AT: Final = "fluxrate-woken-seconds"
"""Of a step: how long ago its workflow was woken last."""


class Wake:
    """Who woke a workflow last, and when."""

    def __init__(self) -> None:
        self.header: Payload | None = None
        self.at: datetime | None = None


class WakeInbound(WorkflowInboundInterceptor):
    """Keeps the header of the newest start or signal."""

    def __init__(self, next: WorkflowInboundInterceptor) -> None:  # noqa: A002  (the SDK's name)
        super().__init__(next)
        self._wake = Wake()

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Steps are scheduled through what hands it on."""
        super().init(WakeOutbound(outbound, self._wake))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002, ANN401  (the library's own name)
        """Run, started by whoever the header names."""
        self._note(input)
        return await super().execute_workflow(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002  (the library's own name)
        """Take a signal of whoever the header names."""
        self._note(input)
        await super().handle_signal(input)

    def _note(self, told: ExecuteWorkflowInput | HandleSignalInput) -> None:
        header = told.headers.get(HEADER)
        if header is not None:
            self._wake.header = header
            self._wake.at = workflow.now()


class WakeOutbound(WorkflowOutboundInterceptor):
    """Gives it to every step."""

    def __init__(self, next: WorkflowOutboundInterceptor, wake: Wake) -> None:  # noqa: A002  (the library's own name)
        super().__init__(next)
        self._wake = wake

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002  (the library's own name)
        """Schedule a step that knows who woke the workflow."""
        self._tell(input)
        return super().start_activity(input)

    def start_local_activity(
        self,
        input: StartLocalActivityInput,  # noqa: A002  (the library's own name)
    ) -> workflow.ActivityHandle[Any]:
        """Schedule a step that knows who woke the workflow."""
        self._tell(input)
        return super().start_local_activity(input)

    def _tell(self, step: StartActivityInput | StartLocalActivityInput) -> None:
        if self._wake.header is None or self._wake.at is None:
            return
        seconds = int((workflow.now() - self._wake.at).total_seconds())
        [ago] = PayloadConverter.default.to_payloads([seconds])
        step.headers = {**step.headers, HEADER: self._wake.header, WOKEN_AT: ago}
