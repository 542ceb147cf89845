"""Moving pinned subscriptions to the newest version of their plan (CONTRACT 39)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from api.context import ContextDep
from api.decimal_json import LosslessRoute, respond
from api.dependencies import Writer, WriteSession
from api.schemas.plan_migration import MigrationRequest, MigrationView, view_migration
from services import plan_migration

router = APIRouter(prefix="/plans/{plan_id}", tags=["Plans"], route_class=LosslessRoute)


@router.post("/migrate", response_model=MigrationView)
def migrate_plan(
    plan_id: UUID,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
    body: MigrationRequest | None = None,
) -> Response:
    """Move pinned subscriptions to the newest version, or show which would move."""
    if body is not None and body.preview:
        changes = plan_migration.preview_migration(session, principal.organization_id, plan_id)
    else:
        changes = plan_migration.migrate_subscriptions(
            session, principal.organization_id, plan_id, now=context.now()
        )
    return respond(view_migration(changes))
