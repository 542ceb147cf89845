"""What gateways are still to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select, update

from billing.payments.states import TaskKind, TaskStatus
from models.payments.tasks import GatewayTask

QUEUED: Final = "gateway_task"
"""What the outbox's channel tells when tasks were queued; a trigger does it (migration 0031)."""

_TAKE: Final = text(
    """
    -- Counted before anybody is asked: who comes after a crash knows that somebody was.
    UPDATE gateway_task AS taken SET next_attempt_at = :until, attempts = taken.attempts + 1
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:ids AS uuid[])) AS due(organization_id, id)
    WHERE taken.organization_id = due.organization_id AND taken.id = due.id
    RETURNING taken.organization_id, taken.id, taken.connection_id, taken.kind, taken.subject_id,
        taken.attempts
    """
)

_RESTART: Final = text(
    """
    -- What was given up at this connection is to be done once more. An event whose body is gone
    -- cannot be, nor one that people see another way.
    WITH again AS (
        UPDATE gateway_task AS task
        SET status = 'pending', attempts = 0, next_attempt_at = :now, error = NULL
        WHERE task.organization_id = :organization_id AND task.connection_id = :connection_id
            AND task.status = 'failed' AND task.kind <> 'refund'
            AND (task.kind <> 'event' OR EXISTS (
                SELECT FROM gateway_event AS event
                WHERE event.organization_id = task.organization_id AND event.id = task.subject_id
                    AND event.status = 'needs_attention' AND event.body IS NOT NULL
            ))
        RETURNING task.kind, task.subject_id
    ),
    -- The rows that said so wait for nobody; were it given up again, another would say so.
    notices AS (
        UPDATE gateway_event AS notice
        SET status = 'processed', reason = :reason, event_id = notice.event_id || '/' || notice.id
        FROM again
        WHERE notice.organization_id = :organization_id AND notice.connection_id = :connection_id
            AND notice.status = 'needs_attention'
            AND notice.event_id = :given_up || again.kind || '/' || again.subject_id
    )
    UPDATE gateway_event AS event
    SET status = 'received', reason = NULL, processed_at = NULL
    FROM again
    WHERE event.organization_id = :organization_id AND again.kind = 'event'
        AND event.id = again.subject_id
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenTask:
    """A task that is this process's to do; ``attempts`` counts this one."""

    organization_id: UUID
    id: UUID
    connection_id: UUID
    kind: str
    subject_id: UUID
    attempts: int

    @property
    def receiver_id(self) -> UUID:
        """Whom it asks: the connection."""
        return self.connection_id


def insert_tasks(session: Session, tasks: Sequence[GatewayTask]) -> None:
    """Store tasks by one statement; of those with one kind and subject the first counts."""
    session.execute(
        insert(GatewayTask)
        .values([one.model_dump() for one in tasks])
        .on_conflict_do_nothing(constraint="uq_gateway_task_key")
    )


def take(session: Session, due: Sequence[tuple[UUID, UUID]], until: datetime) -> list[TakenTask]:
    """These tasks are due again at ``until``, unless somebody says what became of them.

    The transaction names their organizations.
    """
    found = session.execute(
        _TAKE,
        {"organizations": [one[0] for one in due], "ids": [one[1] for one in due], "until": until},
    )
    return [TakenTask(**row) for row in found.mappings()]


def finish(session: Session, organization_id: UUID, kind: TaskKind, subject_id: UUID) -> None:
    """The task was done by somebody else than who takes tasks. Idempotent."""
    session.execute(
        update(GatewayTask)
        .where(
            col(GatewayTask.organization_id) == organization_id,
            col(GatewayTask.kind) == kind,
            col(GatewayTask.subject_id) == subject_id,
            col(GatewayTask.status) == TaskStatus.PENDING,
        )
        .values(status=TaskStatus.DONE, next_attempt_at=None)
    )


def restart(
    session: Session,
    organization_id: UUID,
    connection_id: UUID,
    *,
    given_up: str,
    reason: str,
    now: datetime,
) -> None:
    """Every task of the connection that failed is due now, but refunds: those were given back.

    Notices whose keys begin with ``given_up`` say ``reason``. Idempotent.
    """
    session.flush()
    session.execute(
        _RESTART,
        {
            "organization_id": organization_id,
            "connection_id": connection_id,
            "given_up": given_up,
            "reason": reason,
            "now": now,
        },
    )


def lock_task(session: Session, organization_id: UUID, task_id: UUID) -> GatewayTask | None:
    """The task with its row locked, or None."""
    return session.exec(
        select(GatewayTask)
        .where(GatewayTask.organization_id == organization_id, GatewayTask.id == task_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
