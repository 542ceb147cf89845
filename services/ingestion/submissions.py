"""What callers of ingestion send, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import msgspec

from billing.errors import BillingError
from repositories.ingestion.writer import StoredEvent
from services.ingestion.event_input import EventReport


class EventStatus(StrEnum):
    """What became of a report."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class EventResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one report: the event that it is, or the error that refuses it.

    ``is_late``: the bill that it counts for was final when it came. What the meter's filters leave
    out is not counted, nor is what a paused subscription used.
    """

    status: EventStatus
    event_id: str | None = None
    is_late: bool = False
    is_counted: bool = True
    is_paused: bool = False
    event: StoredEvent | None = None
    error: BillingError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The reports of one caller, in order; an error stands for a row that could not be read.

    ``is_atomic``: one rejected row and nothing is stored. ``wants_events``: the answer shows the
    events in full. ``introduces``: unknown external ids may become customers.
    """

    organization_id: UUID
    rows: Sequence[EventReport | BillingError]
    is_atomic: bool = False
    wants_events: bool = False
    introduces: bool = True
