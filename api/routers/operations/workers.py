"""The health of the workers (CONTRACT 4.13). Shown to anybody: counts and instants only."""

from __future__ import annotations

from fastapi import Request, Response

from api.context import ContextDep, state_of
from api.schemas.workers import WorkersHealthView, view_workers
from api.transport.exact_json import respond
from api.transport.route import Router

router = Router(prefix="/workers", tags=["Health"])


@router.get("/health", response_model=WorkersHealthView)
async def get_workers_health(request: Request, context: ContextDep) -> Response:
    """Show whether the workers do what is due; a bill that waits for people counts as a failure.

    The report is at most a second old, so that asking often costs nothing.
    """
    report = await state_of(request.app).worker_report.get()
    is_engine_there = await context.reach_temporal()
    return respond(view_workers(report, is_engine_there=is_engine_there, now=context.now()))
