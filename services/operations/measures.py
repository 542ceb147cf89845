"""What operators measure of all processes together, because the database knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from repositories.accounts import organizations as stored_organizations
from repositories.operations.waiting import count_payments, read_outbox
from repositories.outbox import LOOKUP, WAKE_MESSAGE, WEBHOOK_MESSAGE
from repositories.transactions import Transactions, name_organizations
from services.operations.invariants import Invariant, report_invariants
from services.operations.worker_health import WorkReport, report_work

QUEUES: Final = (WAKE_MESSAGE, WEBHOOK_MESSAGE)
"""The kinds of messages that wait in the outbox."""

LATELY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How many messages of a kind wait, and for how many seconds the oldest has."""

    waiting: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """How all work stands at one instant. ``payments`` are those of the last hour, by status."""

    read_at: datetime
    work: WorkReport
    queues: Mapping[str, Queue]
    payments: Mapping[str, int]
    invariants: tuple[Invariant, ...]


def measure(transactions: Transactions, *, now: datetime) -> Measures:
    """Read all of it. Grows with the number of organizations, and a little with what waits."""
    queues = {kind: _read_queue(transactions, kind, now=now) for kind in QUEUES}
    with transactions.for_organizations([]) as session:
        invariants = report_invariants(session, now=now)
        directory = stored_organizations.list_directory(session)
        name_organizations(session, directory)
        payments = count_payments(session, directory, since=now - LATELY)
    return Measures(
        read_at=now,
        work=report_work(transactions, now=now),
        queues=queues,
        payments=payments,
        invariants=tuple(invariants),
    )


def seconds_since(instant: datetime | None, *, now: datetime) -> float:
    """How long ago that was, 0 where it was never or is still to come."""
    return 0.0 if instant is None else max(0.0, (now - instant).total_seconds())


def _read_queue(transactions: Transactions, kind: str, *, now: datetime) -> Queue:
    with transactions.looking_up(LOOKUP, kind) as session:
        oldest, waiting = read_outbox(session, kind)
    return Queue(waiting=waiting, oldest_seconds=seconds_since(oldest, now=now))
