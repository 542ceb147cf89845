"""Runs workflows in production; those that sleep in memory hold no messages of their last task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from temporalio.api.common.v1 import Payloads
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import (
    UnsandboxedWorkflowRunner,
    WorkflowInstance,
    WorkflowInstanceDetails,
)
from temporalio.workflow import Info

WRITTEN_ANEW: dict[str, Any] = {
    "_current_completion": WorkflowActivationCompletion(),
    "_current_internal_flags": (),
    "_deployment_version_for_current_task": None,
}
"""What the SDK sets at the beginning of every activation, as it may be between two of them."""

NO_RESULT = Payloads()


class ForgettingWorkflowRunner(UnsandboxedWorkflowRunner):
    """Unsandboxed workflows that let go of a task's messages when it is done.

    The SDK keeps the last activation with its answer for as long as a workflow is cached, and all
    of the first one for two empty parts of it: a quarter of what a cached workflow holds.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """A workflow in memory, as the SDK makes it."""
        if not det.last_completion_result.payloads:
            det = replace(det, last_completion_result=NO_RESULT)
        return ForgettingInstance(super().create_instance(det))


class ForgettingInstance(WorkflowInstance):
    """The SDK's instance, but for what it need not remember."""

    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Do the task, and keep nothing of it but its effect."""
        completion = self._instance.activate(act)
        remembered = vars(self._instance)
        remembered.update(WRITTEN_ANEW)
        given = remembered["_workflow_input"]
        if given is not None and not given.headers:
            given.headers = {}
        return completion

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:  # noqa: ANN401  (the SDK's type is private)
        """As the SDK's."""
        return self._instance.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:  # noqa: ANN401  (as above)
        """As the SDK's."""
        return self._instance.get_external_store_context(command_info)

    def get_info(self) -> Info:
        """As the SDK's."""
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        """As the SDK's."""
        return self._instance.get_thread_id()
