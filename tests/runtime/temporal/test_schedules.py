"""What the hourly check of an installation is called."""

from __future__ import annotations

from runtime.settings import Settings
from workflows.names import DEFAULT_TASK_QUEUE, coverage_check_id


def test_check_of_the_default_queue_has_the_plain_name() -> None:
    assert Settings.model_fields["task_queue"].default == DEFAULT_TASK_QUEUE
    assert coverage_check_id(DEFAULT_TASK_QUEUE) == "fluxrate-audit"


def test_checks_of_other_queues_are_told_apart() -> None:
    assert coverage_check_id("owners-b") == "fluxrate-audit-owners-b"
