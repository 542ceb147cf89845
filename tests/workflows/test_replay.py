"""Recorded histories of running workflows replay on today's code, inside the sandbox.

A failure here means that workflows which run in production would stall at the next deploy; see
docs/development/changing-workflows.md before touching the recordings.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from billing.subscriptions import WorkflowState
from runtime.payloads.converter import DATA_CONVERTER
from tests.workflows.kinds import KINDS
from tests.workflows.record import HISTORIES
from workflows.subscription import SubscriptionWorkflow

RECORDED = sorted(HISTORIES.glob("*.json"))


def load(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text())


def commands_of(path: Path) -> set[str]:
    events: list[dict[str, Any]] = json.loads(path.read_text())["events"]
    return {event["eventType"].removeprefix("EVENT_TYPE_") for event in events}


def test_every_kind_of_life_is_recorded() -> None:
    assert {path.name.split(".")[0] for path in RECORDED} >= set(KINDS)
    assert len(KINDS) >= 12


def test_recordings_cover_what_a_workflow_can_do() -> None:
    covered = set().union(*map(commands_of, RECORDED))

    assert covered >= {
        "MARKER_RECORDED",
        "TIMER_STARTED",
        "TIMER_FIRED",
        "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
        "WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
        "WORKFLOW_EXECUTION_COMPLETED",
        "WORKFLOW_EXECUTION_SIGNALED",
    }
    assert "WORKFLOW_EXECUTION_FAILED" not in covered


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_recorded_history_replays(path: Path) -> None:
    replayer = Replayer(workflows=[SubscriptionWorkflow], data_converter=DATA_CONVERTER)

    await replayer.replay_workflow(load(path))


async def replay_as_changed(show: Any) -> None:
    """Replay a history on a workflow that shows itself differently."""
    original = SubscriptionWorkflow._show
    # The sandbox would import the workflow afresh, without the change that is tried here.
    replayer = Replayer(
        workflows=[SubscriptionWorkflow],
        data_converter=DATA_CONVERTER,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    SubscriptionWorkflow._show = show  # type: ignore[method-assign]  # a workflow of another version
    try:
        await replayer.replay_workflow(load(HISTORIES / "past_due.json"))
    finally:
        SubscriptionWorkflow._show = original  # type: ignore[method-assign]  # a workflow of another version


async def test_replay_notices_a_command_left_out() -> None:
    with pytest.raises(workflow.NondeterminismError):
        await replay_as_changed(lambda _self, _state: None)


async def test_the_same_change_behind_a_patch_replays() -> None:
    original = SubscriptionWorkflow._show

    def show_nothing_any_more(self: SubscriptionWorkflow, state: WorkflowState) -> None:
        if not workflow.patched("show-nothing"):
            original(self, state)

    await replay_as_changed(show_nothing_any_more)
