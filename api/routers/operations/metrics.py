"""Metrics for Prometheus (CONTRACT 35)."""

from __future__ import annotations

import asyncio

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy.exc import SQLAlchemyError

from api.context import state_of
from api.reads.work_report_cache import WorkReportCache
from api.transport.metrics import CONTENT_TYPE
from api.transport.route import Router
from services.operations.worker_health import WorkReport

router = Router(tags=["Health"], admission=None)

DATABASE_SECONDS = 2.0


@router.get("/metrics", response_class=PlainTextResponse)
async def get_metrics(request: Request) -> Response:
    """Show what this process has counted, and how all work stands, for Prometheus.

    While the database does not answer, the numbers of this process are shown alone.
    """
    state = state_of(request.app)
    report = await _find_report(state.worker_report)
    return Response(state.metrics.render(report), media_type=CONTENT_TYPE)


async def _find_report(cache: WorkReportCache) -> WorkReport | None:
    try:
        return await asyncio.wait_for(cache.get(), DATABASE_SECONDS)
    except (SQLAlchemyError, TimeoutError):
        return None
