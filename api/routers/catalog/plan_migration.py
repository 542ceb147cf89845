"""Moving pinned subscriptions to the newest version of their plan (CONTRACT 39)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from sqlmodel import Session

from api.access.sessions import Writer, open_transaction
from api.admission.requests import BILL_ADMITTED
from api.catching_up import WorkDep, open_by_name
from api.context import ContextDep
from api.schemas.catalog.plan_migration import MigrationRequest, MigrationView, view_migration
from api.transport.exact_json import respond
from api.transport.route import Router
from services.lifecycle import version_migration
from services.lifecycle.catching_up import AT_ONCE, IN_ONE_TRANSACTION

router = Router(prefix="/plans/{plan_id}", tags=["Plans"], admission=BILL_ADMITTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTransaction:
    """The transaction that answers, after the batches that moved in others."""

    session: Session
    batches: tuple[version_migration.Batch, ...]


def open_after_batches(
    plan_id: UUID,
    request: Request,
    context: ContextDep,
    principal: Writer,
    work: WorkDep,
    body: MigrationRequest | None = None,
) -> Iterator[LastTransaction]:
    """Who is behind has moved, batch by batch, in short transactions."""
    asked = body or MigrationRequest()
    organization_id = principal.organization_id
    moved: list[version_migration.Batch] = []
    left = AT_ONCE
    if not asked.preview:
        with work.open() as session:
            waiting = version_migration.list_batches(session, organization_id, plan_id)
        for batch in waiting:
            rest: Sequence[UUID] = batch
            while rest:
                with work.open() as session:
                    done = version_migration.migrate_batch(
                        session,
                        organization_id,
                        plan_id,
                        rest,
                        effective=asked.effective,
                        at_most=min(left, IN_ONE_TRANSACTION),
                        now=context.now(),
                    )
                moved.append(done)
                rest, left = done.rest, left - done.closed
    for session in open_transaction(request, context, principal):
        yield LastTransaction(session=session, batches=tuple(moved))


@router.post("/migrate", response_model=MigrationView, dependencies=[Depends(open_by_name)])
def migrate_plan(
    plan_id: UUID,
    last: Annotated[LastTransaction, Depends(open_after_batches, scope="function")],
    principal: Writer,
    context: ContextDep,
    body: MigrationRequest | None = None,
) -> Response:
    """Move pinned subscriptions to the newest version, or show which would move.

    If one cannot move now, the others have moved all the same; repeat the request for the rest.
    """
    asked = body or MigrationRequest()
    organization_id, now = principal.organization_id, context.now()
    if asked.preview:
        migration = version_migration.preview_migration(
            last.session, organization_id, plan_id, effective=asked.effective, now=now
        )
    else:
        migration = version_migration.describe_migration(
            last.session, organization_id, plan_id, last.batches, effective=asked.effective, now=now
        )
    return respond(view_migration(migration))
