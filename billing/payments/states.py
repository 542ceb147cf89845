"""How far links, events and tasks of gateways are, and what becomes of too much money."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

LONGEST_PAUSE: Final = timedelta(hours=1)
FIRST_PAUSE: Final = timedelta(seconds=5)

WATCHED_AFTER: Final = timedelta(days=1)
"""How often a page that stays open is looked at: a webhook of it may never have come."""

ARRIVES_LATEST: Final = timedelta(days=30)
"""So long what was on its way when a page closed is asked for: no bank takes that long."""


class LinkStatus(StrEnum):
    """The states of a payment link; a closed one is paid on no more."""

    MAKING = "making"
    OPEN = "open"
    CLOSED = "closed"


class EventStatus(StrEnum):
    """What became of a gateway's event. What nobody can attribute waits for people."""

    RECEIVED = "received"
    PROCESSED = "processed"
    IGNORED = "ignored"
    NEEDS_ATTENTION = "needs_attention"


class TaskKind(StrEnum):
    """What a gateway is asked, or asked about."""

    OPEN_LINK = "open_link"
    RENEW_LINK = "renew_link"
    CLOSE_LINK = "close_link"
    REFUND = "refund"
    EVENT = "event"
    FORGET_METHOD = "forget_method"


class TaskStatus(StrEnum):
    """How far a task is. One that nobody answers is tried for ever."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class SurplusPayments(StrEnum):
    """What becomes of money that a gateway took beyond what is due."""

    CREDIT = "credit"
    REFUND = "refund"


def pause_after(attempts: int) -> timedelta:
    """How long a task waits after so many tries: 5 s, then twice as long each time, up to 1 h."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(attempts - 1, 20)))
