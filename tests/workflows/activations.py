"""Drives the workflow's real workflow class by activations, in memory.

The only place that knows the private interface between the SDK's core and its Python half. An
instance must be made under a running event loop and must be activated without one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio import workflow
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.activity_result import (
    ActivityResolution,
    DoBackoff,
    Success,
)
from temporalio.bridge.proto.activity_result import Failure as ActivityFailed
from temporalio.bridge.proto.workflow_activation import (
    FireTimer,
    InitializeWorkflow,
    ResolveActivity,
    SignalWorkflow,
    WorkflowActivation,
    WorkflowActivationJob,
)
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.common import Priority, TypedSearchAttributes
from temporalio.converter import DefaultFailureConverter
from temporalio.worker._workflow_instance import WorkflowInstance, WorkflowInstanceDetails

from runtime.payloads.converter import DATA_CONVERTER
from runtime.workflow_runner import ForgettingWorkflowRunner

RUN_ID = "run"
WORKFLOW_ID = "subscription/simulated"
RUNNER = ForgettingWorkflowRunner()

_CONVERTER = DATA_CONVERTER.payload_converter
_loop = asyncio.new_event_loop()


class TaskFailed(Exception):
    """The workflow's code failed in an activation: in production its task would be retried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One activation and the commands that answered it."""

    activation: WorkflowActivation
    commands: tuple[WorkflowCommand, ...]


class Activated:
    """One run of a workflow in memory, with the journal of what it was told and answered."""

    def __init__(self, definition: type, started_at: datetime) -> None:
        self._definition = definition
        self._started_at = started_at
        self.instance = _make_instance(definition, started_at)
        self.journal: list[Step] = []

    def activate(
        self,
        jobs: Sequence[WorkflowActivationJob],
        *,
        at: datetime,
        is_long: bool = False,
    ) -> tuple[WorkflowCommand, ...]:
        """Tell the run what happened; its commands. ``is_long`` suggests to continue as new."""
        activation = WorkflowActivation(
            run_id=RUN_ID,
            timestamp=_timestamp(at),
            history_length=3 + 4 * len(self.journal),
            continue_as_new_suggested=is_long,
            jobs=jobs,
        )
        commands = _answer(self.instance, activation)
        self.journal.append(Step(activation=activation, commands=commands))
        return commands

    def replayed(self, steps: int) -> Activated:
        """Another worker's copy of this run after its first steps; this one is dropped.

        Raises AssertionError where the copy answers differently: the code is not deterministic.
        """
        copy = Activated(self._definition, self._started_at)
        for former in self.journal[:steps]:
            activation = WorkflowActivation()
            activation.CopyFrom(former.activation)
            activation.is_replaying = True
            commands = _answer(copy.instance, activation)
            assert commands == former.commands, "a replay answers differently"
            copy.journal.append(former)
        self.evict()
        return copy

    def evict(self) -> None:
        """Forget the run, as a worker's cache does."""
        job = WorkflowActivationJob()
        job.remove_from_cache.SetInParent()
        self.instance.activate(WorkflowActivation(run_id=RUN_ID, jobs=[job]))


def starting(definition: type, argument: object, *, at: datetime) -> WorkflowActivationJob:
    """The run begins with its argument."""
    return WorkflowActivationJob(
        initialize_workflow=InitializeWorkflow(
            workflow_type=_definition_of(definition).name or "",
            workflow_id=WORKFLOW_ID,
            arguments=[encode(argument)],
            randomness_seed=1,
            start_time=_timestamp(at),
            attempt=1,
        )
    )


def starting_again(definition: type, command: WorkflowCommand, *, at: datetime) -> Any:
    """The run begins that another one continued as."""
    job = starting(definition, None, at=at)
    del job.initialize_workflow.arguments[:]
    job.initialize_workflow.arguments.extend(command.continue_as_new_workflow_execution.arguments)
    return job


def signaled(name: str) -> WorkflowActivationJob:
    """A signal without arguments arrived."""
    return WorkflowActivationJob(signal_workflow=SignalWorkflow(signal_name=name))


def fired(timer: int) -> WorkflowActivationJob:
    """A timer went off."""
    return WorkflowActivationJob(fire_timer=FireTimer(seq=timer))


def completed(activity: int, result: object) -> WorkflowActivationJob:
    """A local activity returned."""
    resolution = ActivityResolution(completed=Success(result=encode(result)))
    return _resolved(activity, resolution)


def refused(activity: int, error: Exception) -> WorkflowActivationJob:
    """A local activity ended with an error that is not retried.

    Unlike an ordinary activity's, it comes as it was raised, not as the cause of another.
    """
    failure = Failure()
    DefaultFailureConverter().to_failure(error, _CONVERTER, failure)
    return _resolved(activity, ActivityResolution(failed=ActivityFailed(failure=failure)))


def postponed(
    activity: int, *, attempt: int, wait: timedelta, since: datetime
) -> WorkflowActivationJob:
    """A local activity failed beyond its threshold: it is tried again after a timer."""
    duration = Duration()
    duration.FromTimedelta(wait)
    backoff = DoBackoff(
        attempt=attempt, backoff_duration=duration, original_schedule_time=_timestamp(since)
    )
    return _resolved(activity, ActivityResolution(backoff=backoff))


def encode(value: object) -> Payload:
    """The value as it travels."""
    return _CONVERTER.to_payload(value)


def decode(payload: Payload, kind: Any) -> Any:
    """The value that travelled."""
    return _CONVERTER.from_payload(payload, kind)


def _resolved(activity: int, resolution: ActivityResolution) -> WorkflowActivationJob:
    return WorkflowActivationJob(
        resolve_activity=ResolveActivity(seq=activity, result=resolution, is_local=True)
    )


def _answer(
    instance: WorkflowInstance, activation: WorkflowActivation
) -> tuple[WorkflowCommand, ...]:
    completion = instance.activate(activation)
    if completion.HasField("failed"):
        raise TaskFailed(completion.failed.failure.message)
    return tuple(completion.successful.commands)


def _make_instance(definition: type, started_at: datetime) -> WorkflowInstance:
    details = _details(definition, started_at)

    async def make() -> WorkflowInstance:
        return RUNNER.create_instance(details)

    return _loop.run_until_complete(make())


def _details(definition: type, started_at: datetime) -> WorkflowInstanceDetails:
    known = _definition_of(definition)
    info = workflow.Info(
        attempt=1,
        continued_run_id=None,
        cron_schedule=None,
        execution_timeout=None,
        first_execution_run_id=RUN_ID,
        headers={},
        namespace="default",
        original_execution_run_id=RUN_ID,
        parent=None,
        priority=Priority.default,
        raw_memo={},
        retry_policy=None,
        root=None,
        run_id=RUN_ID,
        run_timeout=None,
        search_attributes={},
        start_time=started_at,
        task_queue="simulated",
        task_timeout=timedelta(seconds=10),
        typed_search_attributes=TypedSearchAttributes.empty,
        workflow_id=WORKFLOW_ID,
        workflow_start_time=started_at,
        workflow_type=known.name or "",
    )
    return WorkflowInstanceDetails(
        payload_converter_factory=lambda: _CONVERTER,
        failure_converter_class=DefaultFailureConverter,
        interceptor_classes=[],
        defn=known,
        info=info,
        randomness_seed=1,
        extern_functions={"__temporal_assert_local_activity_valid": lambda _name: None},
        disable_eager_activity_execution=True,
        worker_level_failure_exception_types=[],
        patch_activation_callback=None,
        last_completion_result=Payloads(),
        last_failure=None,
    )


def _definition_of(definition: type) -> Any:
    return workflow._Definition.must_from_class(definition)


def _timestamp(value: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return stamp
