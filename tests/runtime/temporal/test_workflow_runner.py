"""What workflows that sleep in a worker's memory hold on to.

The runner resets what the SDK keeps under private names: where these change, this fails.
"""

from __future__ import annotations

import gc
from types import ModuleType

import pytest
from google.protobuf.message import Message
from temporalio.worker import UnsandboxedWorkflowRunner

from runtime.workflow_runner import NO_RESULT, WRITTEN_ANEW, ForgettingWorkflowRunner
from tests.workflows import activations
from tests.workflows.simulated.books import Books
from tests.workflows.trace import START, Trace

SHARED = {id(NO_RESULT), *map(id, WRITTEN_ANEW.values())}


def held_messages(root: object) -> list[object]:
    """Every message of Temporal's protocol that can be reached from here, but for shared ones."""
    seen, waiting, found = {id(root), *SHARED}, [root], []
    while waiting:
        for one in gc.get_referents(waiting.pop()):
            is_code = isinstance(one, type | ModuleType) or (
                isinstance(one, dict) and "__builtins__" in one
            )
            if id(one) in seen or is_code:
                continue
            seen.add(id(one))
            if isinstance(one, Message) or type(one).__module__.startswith("google."):
                found.append(one)
            else:
                waiting.append(one)
    return found


def sleeping(runner: UnsandboxedWorkflowRunner, monkeypatch: pytest.MonkeyPatch) -> object:
    """A workflow that has billed a period and sleeps again."""
    monkeypatch.setattr(activations, "RUNNER", runner)
    trace = Trace(Books(starts_at=START))
    trace.message()
    trace.sleep()
    return trace.workflow.instance


def test_sleeping_workflow_holds_what_its_timer_says_and_no_other_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = held_messages(sleeping(ForgettingWorkflowRunner(), monkeypatch))

    assert {type(one).__name__ for one in held} == {"UserMetadata"}


def test_the_sdk_alone_holds_more(monkeypatch: pytest.MonkeyPatch) -> None:
    held = held_messages(sleeping(UnsandboxedWorkflowRunner(), monkeypatch))

    assert {type(one).__name__ for one in held} >= {"WorkflowActivationCompletion", "Payloads"}
