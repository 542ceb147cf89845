"""Recorded histories of payment workflows replay on today's code, inside the sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from runtime.payloads.converter import DATA_CONVERTER
from tests.dunning.record import HISTORIES, KINDS
from workflows.payment import PaymentWorkflow

RECORDED = sorted(HISTORIES.glob("*.json"))

EVENTS_A_TRY = 22
MOST_BYTES = 8_192
"""What one event of a history holds at most; a schedule is five entries."""


def load(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text())


def events_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["events"]
    return found


def test_every_kind_is_recorded_and_none_failed() -> None:
    assert {path.name.split(".")[0] for path in RECORDED} == set(KINDS)
    kinds = {event["eventType"] for path in RECORDED for event in events_of(path)}
    assert "EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW" in kinds
    assert "EVENT_TYPE_TIMER_STARTED" in kinds
    assert "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED" not in kinds


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_recorded_history_replays(path: Path) -> None:
    replayer = Replayer(workflows=[PaymentWorkflow], data_converter=DATA_CONVERTER)

    await replayer.replay_workflow(load(path))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_history_stays_short_however_long_nobody_answers(path: Path) -> None:
    events = events_of(path)
    asked = [one for one in events if one["eventType"] == "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED"]

    assert len(events) <= 30 + EVENTS_A_TRY * len(asked)
    assert max(len(json.dumps(event)) for event in events) <= MOST_BYTES
