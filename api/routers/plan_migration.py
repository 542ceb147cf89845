"""Moving pinned subscriptions to the newest version of their plan (CONTRACT 39)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from api.access.sessions import Writer, WriteSession
from api.context import ContextDep
from api.schemas.plan_migration import MigrationRequest, MigrationView, view_migration
from api.transport.exact_json import LosslessRoute, respond
from services.lifecycle import version_migration

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
        version_migration.preview_migration
        if asked.preview
        else version_migration.migrate_subscriptions
    )
    migration = migrate(
        session,
        principal.organization_id,
        plan_id,
        effective=asked.effective,
        now=context.now(),
    )
    return respond(view_migration(migration))
