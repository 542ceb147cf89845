"""Requests that need a subscription's bills: what is missed is done first, in short transactions.

Each of them may be the last; whoever repeats the request, or the workflow, goes on where it ended.
So no request locks a subscription, or holds a connection, for longer than a few bills take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Depends, Request
from sqlmodel import Session

from api.access.principal import Principal
from api.access.sessions import Writer, open_transaction
from api.context import AppContext, ContextDep
from api.schemas.subscriptions.actions import GenerateRequest
from api.transport import idempotency
from billing.errors import Conflict, NotFound
from services.lifecycle import bill_now, pending_changes
from services.lifecycle.bill_now import Overdue
from services.lifecycle.catching_up import AT_ONCE, IN_ONE_TRANSACTION

CLOSE_AND_BILL = 2

Open = Callable[[], AbstractContextManager[Session]]
"""Begins one of the transactions that a request is made of."""


class CatchUp:
    """What one request may do before its answer: close and bill ``AT_ONCE`` periods."""

    def __init__(self, context: AppContext, principal: Principal, open_next: Open) -> None:
        self._context = context
        self._organization_id = principal.organization_id
        self.open = open_next
        self._left = AT_ONCE * CLOSE_AND_BILL

    def go_on(self, subscription_id: UUID) -> None:
        """Missed periods are closed and billed, and what was pending is done, as far as it goes.

        What cannot be done is left to whoever asks for the change itself.
        """
        try:
            while self._left > 0:
                with self.open() as session:
                    done = pending_changes.go_on(
                        session, self._organization_id, subscription_id, now=self._context.now()
                    )
                self._left -= max(done, CLOSE_AND_BILL)
                if done < IN_ONE_TRANSACTION:
                    return
        except (NotFound, Conflict):
            return


async def prepare_work(request: Request, context: ContextDep, principal: Writer) -> CatchUp:
    """The work of this request, in transactions of its own."""
    begin = contextmanager(open_transaction)
    return CatchUp(context, principal, lambda: begin(request, context, principal))


WorkDep = Annotated[CatchUp, Depends(prepare_work)]


def open_by_name(work: WorkDep) -> None:
    """The path holds ids instead of natural keys, found in a transaction that is over."""
    with work.open():
        return


def open_changing(
    subscription_id: UUID, request: Request, context: ContextDep, principal: Writer, work: WorkDep
) -> Iterator[Session]:
    """A transaction that changes a subscription; its missed periods are billed, if they are few."""
    work.go_on(subscription_id)
    yield from open_transaction(request, context, principal)


ChangeSession = Annotated[Session, Depends(open_changing, scope="function")]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTransaction:
    """The transaction that answers, after the bills that were overdue in others."""

    session: Session
    overdue: Overdue | None
    asked_at: datetime


def open_after_overdue(
    subscription_id: UUID,
    request: Request,
    principal: Writer,
    context: ContextDep,
    *,
    work: WorkDep,
    body: GenerateRequest | None = None,
) -> Iterator[LastTransaction]:
    """What is overdue was billed, as far as one request goes.

    What that was is kept with the request's key before anything is billed: a repeat of one that
    died is about the same.
    """
    now = context.now()
    with work.open() as session:
        overdue = _find_meaning(request)
        if overdue is None:
            overdue = _ask(session, principal.organization_id, subscription_id, body, now=now)
            if overdue is not None:
                idempotency.keep_meaning(request, msgspec.json.encode(overdue))
    work.go_on(subscription_id)
    with work.open() as session:
        yield LastTransaction(session=session, overdue=overdue, asked_at=now)


def _find_meaning(request: Request) -> Overdue | None:
    meaning = idempotency.find_meaning(request)
    return None if meaning is None else msgspec.json.decode(meaning, type=Overdue)


def _ask(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    body: GenerateRequest | None,
    *,
    now: datetime,
) -> Overdue | None:
    if body is None or body.period_index is None:
        return bill_now.ask_for_overdue(session, organization_id, subscription_id, now=now)
    return bill_now.find_overdue(
        session, organization_id, subscription_id, body.period_index, now=now
    )
