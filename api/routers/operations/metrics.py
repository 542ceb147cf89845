"""Metrics for Prometheus (CONTRACT 35)."""

from __future__ import annotations

import asyncio

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy.exc import SQLAlchemyError

from api.context import ContextDep, state_of
from api.reads.measures_cache import MeasuresCache
from api.routers.operations.operators import require_operator
from api.transport.metrics import CONTENT_TYPE
from api.transport.route import Router
from services.operations.measures import Measures

router = Router(tags=["Health"], admission=None)

DATABASE_SECONDS = 2.0


@router.get("/metrics", response_class=PlainTextResponse)
async def get_metrics(request: Request, context: ContextDep) -> Response:
    """Show what this process has counted, and how all work stands, for Prometheus.

    While the database does not answer, the numbers of this process are shown alone.
    """
    require_operator(request, context)
    state = state_of(request.app)
    measures = await find_measures(state.measures)
    return Response(state.metrics.render(measures), media_type=CONTENT_TYPE)


async def find_measures(cache: MeasuresCache) -> Measures | None:
    """The measures, None while the database does not give them in time."""
    try:
        return await asyncio.wait_for(cache.get(), DATABASE_SECONDS)
    except (SQLAlchemyError, TimeoutError):
        return None
