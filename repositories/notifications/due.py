"""Which webhook deliveries, mails and tasks of gateways are due, over all organizations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import Session

from billing.notifications.deliveries import Room
from billing.notifications.mails import MailStatus
from billing.notifications.schedule import DeliveryStatus
from billing.payments.states import TaskStatus
from repositories.transactions import Transactions, name_organizations

Taken = TypeVar("Taken")

_LOCK_DUE: Final = """
    -- Receivers are found one by one in the index, whatever waits for each: a backlog of one is
    -- not read for the sake of another.
    WITH RECURSIVE waiting AS (
        (SELECT queue_receiver AS receiver_id FROM queue_table
         WHERE status = 'queue_status' ORDER BY queue_receiver LIMIT 1)
        UNION ALL
        SELECT (SELECT following.queue_receiver FROM queue_table AS following
                WHERE following.status = 'queue_status'
                  AND following.queue_receiver > waiting.receiver_id
                ORDER BY following.queue_receiver LIMIT 1)
        FROM waiting WHERE waiting.receiver_id IS NOT NULL
    )
    SELECT due.organization_id, due.id
    FROM waiting
    LEFT JOIN unnest(CAST(:receivers AS uuid[]), CAST(:rooms AS integer[]))
        AS busy(receiver_id, room) USING (receiver_id)
    CROSS JOIN LATERAL (
        -- What is locked is taken by another process just now.
        SELECT one.organization_id, one.id, one.next_attempt_at FROM queue_table AS one
        WHERE one.status = 'queue_status' AND one.queue_receiver = waiting.receiver_id
          AND one.next_attempt_at <= :now
        ORDER BY one.next_attempt_at, one.id
        LIMIT coalesce(busy.room, CAST(:room_of_each AS integer))
        FOR UPDATE SKIP LOCKED
    ) AS due
    ORDER BY due.next_attempt_at, due.id
    LIMIT :room
    """

_FIND_NEXT: Final = """
    SELECT next_attempt_at FROM queue_table WHERE status = 'queue_status'
    ORDER BY next_attempt_at LIMIT 1
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Rows of a table that wait in a status, and the column that says for whom.

    ``setting`` is what a sender's transaction looks up: it may then see and lock rows of a status.
    What is taken is ``taken_for`` so long nobody else's: then it is due again.
    """

    table: str
    receiver: str
    status: str
    setting: str
    taken_for: timedelta

    def statement(self, words: str) -> TextClause:
        """The statement about this queue."""
        for name, value in (
            ("queue_table", self.table),
            ("queue_receiver", self.receiver),
            ("queue_status", self.status),
        ):
            words = words.replace(name, value)
        return text(words)


WEBHOOKS: Final = Queue(
    table="webhook_delivery",
    receiver="endpoint_id",
    status=DeliveryStatus.PENDING,
    setting="delivery_status",
    taken_for=timedelta(seconds=60),
)
MAILS: Final = Queue(
    table="email",
    receiver="organization_id",
    status=MailStatus.QUEUED,
    setting="email_status",
    taken_for=timedelta(minutes=2),
)
GATEWAY_TASKS: Final = Queue(
    table="gateway_task",
    receiver="connection_id",
    status=TaskStatus.PENDING,
    setting="task_status",
    taken_for=timedelta(minutes=5),
)


def take_due(
    transactions: Transactions,
    queue: Queue,
    take: Callable[[Session, Sequence[tuple[UUID, UUID]], datetime], list[Taken]],
    room: Room,
    *,
    now: datetime,
) -> list[Taken]:
    """What is due, the oldest first, as ``take`` gives it by organizations and ids.

    For the queue's time nobody else takes it.
    """
    with transactions.looking_up(queue.setting, queue.status) as session:
        found = session.execute(
            queue.statement(_LOCK_DUE),
            {
                "receivers": list(room.of_busy),
                "rooms": list(room.of_busy.values()),
                "room_of_each": room.of_each,
                "room": room.total,
                "now": now,
            },
        )
        due = [(row.organization_id, row.id) for row in found]
        if not due:
            return []
        name_organizations(session, sorted({organization_id for organization_id, _ in due}))
        return take(session, due, now + queue.taken_for)


def find_next_due(transactions: Transactions, queue: Queue) -> datetime | None:
    """When the first is due, None if none waits."""
    with transactions.looking_up(queue.setting, queue.status) as session:
        found: datetime | None = session.execute(queue.statement(_FIND_NEXT)).scalar()
        return found
