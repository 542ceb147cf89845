"""A workflow without faults, activated in memory: every command it gives, in order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.exceptions import ApplicationError

from tests.workflows import activations
from tests.workflows.activations import Activated
from tests.workflows.simulated.books import Books
from tests.workflows.simulated.simulator import INPUT, REQUESTS
from workflows.subscription import SubscriptionInput, SubscriptionWorkflow

START = datetime(2025, 1, 1, tzinfo=UTC)


class Trace:
    """A workflow without faults, and every command it gave."""

    def __init__(
        self,
        books: Books,
        *,
        ahead: timedelta = timedelta(0),
        given: SubscriptionInput = INPUT,
    ) -> None:
        self.books = books
        self.ahead = ahead
        """How far the worker's clock is ahead of the task's time, which stands still."""
        self.lines: list[str] = []
        self.now = START
        self.workflow = Activated(SubscriptionWorkflow, START)
        self._timer: tuple[int, datetime] | None = None
        start = activations.starting(SubscriptionWorkflow, given, at=START)
        self._tell(start)

    def message(self) -> None:
        """The workflow is woken because the facts changed."""
        self._tell(activations.signaled("facts_changed"))

    def sleep(self) -> None:
        """Until the workflow's timer goes off."""
        assert self._timer is not None
        timer, self.now = self._timer
        self._tell(activations.fired(timer))

    def _tell(self, job: Any) -> None:
        commands = self.workflow.activate([job], at=self.now)
        self.lines.extend(describe(command) for command in commands)
        for command in commands:
            if command.HasField("start_timer"):
                wait = command.start_timer.start_to_fire_timeout.ToTimedelta()
                self._timer = command.start_timer.seq, self.now + wait
            elif command.HasField("schedule_local_activity"):
                self._serve(command.schedule_local_activity)

    def _serve(self, scheduled: Any) -> None:
        request = activations.decode(scheduled.arguments[0], REQUESTS[scheduled.activity_type])
        try:
            present = self.now + self.ahead
            result = self.books.perform(scheduled.activity_type, request, now=present)
        except ApplicationError as error:
            self._tell(activations.refused(scheduled.seq, error))
        else:
            self._tell(activations.completed(scheduled.seq, result))


def describe(command: WorkflowCommand) -> str:
    """A command in one line."""
    summary = ""
    if command.user_metadata.HasField("summary"):
        summary = f"  # {json.loads(command.user_metadata.summary.data)}"
    if command.HasField("schedule_local_activity"):
        step = command.schedule_local_activity
        arguments = json.loads(step.arguments[0].data)
        given = {name: value for name, value in sorted(arguments.items()) if value is not None}
        limit, threshold = step.start_to_close_timeout, step.local_retry_threshold
        return (
            f"step {step.activity_type} {given} within {limit.seconds} s,"
            f" in place for {threshold.seconds} s{summary}"
        )
    if command.HasField("start_timer"):
        wait = command.start_timer.start_to_fire_timeout.ToTimedelta()
        return f"timer {wait}{summary}"
    if command.HasField("cancel_timer"):
        return "cancel timer"
    if command.HasField("upsert_workflow_search_attributes"):
        fields = command.upsert_workflow_search_attributes.search_attributes.indexed_fields
        shown = {name: json.loads(fields[name].data or b"null") for name in sorted(fields)}
        return f"show {shown}"
    return str(command.WhichOneof("variant"))
