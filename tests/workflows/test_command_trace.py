"""The ordered commands of a workflow, with timer lengths, arguments and summaries.

Replay notices neither a changed timer length nor a changed argument, so they are kept here and
reviewed like a golden file: ``pytest tests/workflows/test_command_trace.py --snapshot-update``.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from syrupy.assertion import SnapshotAssertion
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.exceptions import ApplicationError

from activities.messages import ActionRequest, ParkRequest, ProgressRequest, SubscriptionReference
from billing.subscriptions import SubscriptionStatus
from tests.workflows import activations
from tests.workflows.activations import Activated
from tests.workflows.books import Books
from tests.workflows.customers import retry_parked
from tests.workflows.facts import MONTH
from workflows.subscription import SubscriptionInput, SubscriptionWorkflow

START = datetime(2025, 1, 1, tzinfo=UTC)
INPUT = SubscriptionInput(organization_id="organization", subscription_id="subscription")
REQUESTS: dict[str, type] = {
    "read_agenda": SubscriptionReference,
    "record_progress": ProgressRequest,
    "park_bill": ParkRequest,
}


class Trace:
    """A workflow without faults, and every command it gave."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.lines: list[str] = []
        self.now = START
        self._workflow = Activated(SubscriptionWorkflow, START)
        self._timer: tuple[int, datetime] | None = None
        start = activations.starting(SubscriptionWorkflow, INPUT, at=START)
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
        commands = self._workflow.activate([job], at=self.now)
        self.lines.extend(describe(command) for command in commands)
        for command in commands:
            if command.HasField("start_timer"):
                wait = command.start_timer.start_to_fire_timeout.ToTimedelta()
                self._timer = command.start_timer.seq, self.now + wait
            elif command.HasField("schedule_local_activity"):
                self._serve(command.schedule_local_activity)

    def _serve(self, scheduled: Any) -> None:
        kind = REQUESTS.get(scheduled.activity_type, ActionRequest)
        request = activations.decode(scheduled.arguments[0], kind)
        try:
            result = self.books.perform(scheduled.activity_type, request, now=self.now)
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


def test_commands_of_one_period_on_the_wall_clock(snapshot: SnapshotAssertion) -> None:
    trace = Trace(Books(starts_at=START))
    trace.message()
    for _ in range(3):  # the period's end, the end of grace, the due date
        trace.sleep()

    assert trace.lines == snapshot


def test_commands_of_one_period_on_a_test_clock(snapshot: SnapshotAssertion) -> None:
    trace = Trace(Books(starts_at=START, frozen_at=START))
    trace.books.target_at = START + MONTH + timedelta(hours=1)
    trace.message()

    assert trace.lines == snapshot


def test_commands_of_a_trial_that_is_canceled(snapshot: SnapshotAssertion) -> None:
    trial_ends_at = START + timedelta(days=14)
    books = Books(starts_at=START, status=SubscriptionStatus.TRIAL, trial_ends_at=trial_ends_at)
    trace = Trace(books)
    books.ends_with_period = True
    trace.message()
    trace.sleep()

    assert trace.lines == snapshot


def test_commands_of_a_bill_that_is_parked_and_retried(snapshot: SnapshotAssertion) -> None:
    books = Books(starts_at=START, poisoned={(0, "price_usage")})
    trace = Trace(books)
    trace.sleep()
    retry_parked(books, trace.now)
    trace.message()

    assert trace.lines == snapshot
