"""A change that was asked for and waits until the missed periods before it are billed.

Source: CONTRACT 75, 89.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from billing.errors import Conflict


class ChangeAction(StrEnum):
    """What was asked for."""

    CANCEL = "cancel"
    REACTIVATE = "reactivate"
    PAUSE = "pause"
    RESUME = "resume"
    CHANGE_PLAN = "change_plan"
    GENERATE_INVOICE = "generate_invoice"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingChange:
    """What is to be done to a subscription, and as of which instant."""

    action: ChangeAction
    at: datetime
    at_period_end: bool = False
    reason: str | None = None
    plan_id: str | None = None
    restarts_cycle: bool = False
    resume_at: datetime | None = None

    @property
    def ends_at_once(self) -> bool:
        """Whether nothing of the subscription is left after it."""
        return self.action is ChangeAction.DELETE or (
            self.action is ChangeAction.CANCEL and not self.at_period_end
        )


def merge_changes(waiting: PendingChange | None, wanted: PendingChange) -> PendingChange | None:
    """What waits once a change is asked for while another one waits.

    The same one is asked for once. An end at once takes the place of what would come to nothing by
    it, and a deletion of a cancellation, whose instant it keeps. Reactivating takes a cancellation
    back: None waits then. Raises Conflict ``change_pending`` for anything else.
    """
    if waiting is None or replace(wanted, at=waiting.at) == waiting:
        return waiting or wanted
    if wanted.action is ChangeAction.REACTIVATE and waiting.action is ChangeAction.CANCEL:
        return None
    if waiting.action is ChangeAction.DELETE and wanted.action is ChangeAction.CANCEL:
        return waiting
    if wanted.action is ChangeAction.DELETE and waiting.ends_at_once:
        return replace(wanted, at=waiting.at)
    if wanted.ends_at_once and not waiting.ends_at_once:
        return wanted
    raise Conflict(
        f"The subscription bills its missed periods first, and then does what was asked before:"
        f" {waiting.action}.",
        code="change_pending",
    )
