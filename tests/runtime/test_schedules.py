"""What the hourly audit of an installation is called."""

from __future__ import annotations

from runtime.settings import Settings
from workflows.names import DEFAULT_TASK_QUEUE, audit_id


def test_audit_of_the_default_queue_has_the_plain_name() -> None:
    assert Settings.model_fields["task_queue"].default == DEFAULT_TASK_QUEUE
    assert audit_id(DEFAULT_TASK_QUEUE) == "fluxrate-audit"


def test_audits_of_other_queues_are_told_apart() -> None:
    assert audit_id("owners-b") == "fluxrate-audit-owners-b"
