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
    asked = body or MigrationRequest()
    migrate = (
        plan_migration.preview_migration if asked.preview else plan_migration.migrate_subscriptions
    )
    migration = migrate(
        session,
        principal.organization_id,
        plan_id,
        effective=asked.effective,
        now=context.now(),
    )
    return respond(view_migration(migration))
