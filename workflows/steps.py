"""What every workflow of ours does: it takes steps, and waits for what is due next or for word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.declarations import Request, Result, Step
from workflows.options import DATABASE_STEP

LONGEST_SUMMARY = 200
"""Temporal takes no longer one."""


class StepRefused(Exception):
    """A step ended because a rule is broken; repeating it would not help.

    It is no Temporal failure: where nothing can be set aside for it, the workflow task fails and
    is tried again, so that the workflow shows its trouble and lives on.
    """


class Due(Protocol):
    """A dated action."""

    @property
    def due_at(self) -> datetime:
        """When it is to happen."""

    @property
    def action(self) -> str:
        """What it is."""


async def take_step(step: Step[Request, Result], request: Request, summary: str) -> Result:
    """The step is done, in one transaction. Raises StepRefused."""
    try:
        result: Result = await workflow.execute_local_activity(
            step.name,
            request,
            result_type=step.result,
            summary=summary[:LONGEST_SUMMARY],
            **DATABASE_STEP,
        )
    except ApplicationError as error:
        # A local activity's own error arrives here bare; an ordinary one's would be wrapped.
        raise StepRefused(str(error)) from error
    return result


async def wait_for(entry: Due | None, is_told: Callable[[], bool]) -> None:
    """The entry is due, or there is word of a change; without an entry only word ends it."""
    timeout: timedelta | None = None
    summary: str | None = None
    if entry is not None:
        timeout = max(entry.due_at - workflow.now(), timedelta(0))
        summary = f"Until {entry.action} at {entry.due_at:%Y-%m-%d %H:%M:%S}"
    try:
        await workflow.wait_condition(is_told, timeout=timeout, timeout_summary=summary)
    except TimeoutError:
        return
