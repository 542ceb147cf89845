"""What gateways are to be asked: queued with the fact itself, done until it is settled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar
from uuid import UUID

from sqlmodel import Session

from billing.notifications.deliveries import Answer, Room
from billing.payments.states import WATCHED_AFTER, TaskKind, TaskStatus, pause_after
from models.base import new_id
from models.payments.connections import Connection
from models.payments.tasks import GatewayTask
from repositories.notifications import due as stored_due
from repositories.notifications.due import GATEWAY_TASKS
from repositories.payments import tasks as stored_tasks
from repositories.payments.tasks import TakenTask
from repositories.transactions import Transactions

NOTICES: Final = "fluxrate/"
"""What the keys of rows begin with that no webhook told."""

LINK_GIVEN_UP: Final = "payment_link.given_up"

DONE: Final = Answer(response_code=200)
NOT_YET: Final = Answer(response_code=202)
"""The gateway answered that it does not know itself: it is asked again later."""


Result = TypeVar("Result")


class Execute(Protocol):
    """Does work in a thread, beside the event loop."""

    def __call__(self, work: Callable[[], Result], /) -> Awaitable[Result]:
        """What the work returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a gateway is asked about, and which one."""

    organization_id: UUID
    connection_id: UUID
    id: UUID


def queue(
    session: Session,
    kind: TaskKind,
    subjects: Sequence[Subject],
    *,
    due_at: datetime | None = None,
    now: datetime,
) -> None:
    """Gateways are asked after the commit, or at ``due_at``. Idempotent by kind and subject."""
    session.flush()
    stored_tasks.insert_tasks(
        session,
        [
            GatewayTask(
                organization_id=one.organization_id,
                id=new_id(),
                connection_id=one.connection_id,
                kind=kind,
                subject_id=one.id,
                status=TaskStatus.PENDING,
                next_attempt_at=due_at or now,
                created_at=now,
            )
            for one in subjects
        ],
    )


def restart(session: Session, connection: Connection, *, now: datetime) -> None:
    """What was given up because the gateway refused it is asked for again: the secrets are others.

    Pages are watched and ended, links made, events looked up; a refund that failed was given back,
    and is for whoever asks for it again.
    """
    stored_tasks.restart(
        session,
        connection.organization_id,
        connection.id,
        given_up=f"{NOTICES}{LINK_GIVEN_UP}/",
        reason="It is asked for again: the secrets were replaced.",
        now=now,
    )


def take_due(transactions: Transactions, room: Room, *, now: datetime) -> list[TakenTask]:
    """Tasks that are due; for five minutes nobody else does them."""
    return stored_due.take_due(transactions, GATEWAY_TASKS, stored_tasks.take, room, now=now)


def settle(session: Session, taken: TakenTask, answer: Answer, *, now: datetime) -> None:
    """The task is done, or due again, or has failed for good.

    Idempotent by the number of tries: who did it later than somebody else changes nothing.
    """
    task = stored_tasks.lock_task(session, taken.organization_id, taken.id)
    if task is None or task.status != TaskStatus.PENDING or task.attempts != taken.attempts:
        return
    task.error = answer.error
    if answer == DONE:
        task.status, task.next_attempt_at = TaskStatus.DONE, None
    elif answer.is_final:
        task.status, task.next_attempt_at = TaskStatus.FAILED, None
    else:
        is_watched = task.kind == TaskKind.RENEW_LINK and answer == NOT_YET
        task.next_attempt_at = now + (WATCHED_AFTER if is_watched else pause_after(task.attempts))
    session.add(task)
    session.flush()
