"""Probes at the host's root: decide by their status code (CONTRACT 35)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final

import structlog
from fastapi import Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from api.context import AppContext, ContextDep
from api.schemas.workers import AliveView, ReadinessView
from api.transport.exact_json import respond
from api.transport.route import Router

router = Router(tags=["Health"], admission=None)

PROBE_SECONDS = 2.0
ENGINE_SECONDS = 0.5
"""Requests do not wait for Temporal, so the probe does not wait for long."""

NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": ReadinessView, "description": "Requests cannot be answered; `checks` says why."}
}

log = structlog.get_logger(__name__)


@router.get("/health", name="get_health", response_model=AliveView)
@router.get("/livez", response_model=AliveView)
async def get_liveness() -> Response:
    """Say that the process answers; nothing else is asked."""
    return respond({"status": "ok"})


@router.get("/readyz", response_model=ReadinessView, responses=NOT_READY)
async def get_readiness(context: ContextDep) -> Response:
    """Say whether requests can be answered; 503 if the database or its schema is not ready.

    Requests need nothing else: while Temporal is away they are answered as ever, what they change
    reaches its workflows when it is back, and this says `"temporal":"degraded"`.
    """
    database, schema, temporal = await asyncio.gather(
        _answers(_reach_database(context), PROBE_SECONDS),
        _answers(context.reach_schema(), PROBE_SECONDS),
        _answers(context.reach_temporal(), ENGINE_SECONDS),
    )
    is_ready = database and schema
    engine = "ok" if temporal else "degraded"
    body = {
        "status": "ready" if is_ready else "not_ready",
        "temporal": engine,
        "checks": {
            "database": "ok" if database else "failed",
            "schema": "ok" if schema else "failed",
            "temporal": engine,
        },
    }
    return respond(body, 200 if is_ready else 503)


async def _answers(probe: Awaitable[bool], seconds: float) -> bool:
    """Whether what is asked says yes in time."""
    try:
        return await asyncio.wait_for(probe, seconds) is True
    except Exception as error:  # noqa: BLE001  (a probe that fails says no, whatever it raises)
        log.warning("probe_failed", error=type(error).__name__)
        return False


async def _reach_database(context: AppContext) -> bool:
    return await run_in_threadpool(_select_one, context)


def _select_one(context: AppContext) -> bool:
    try:
        with context.transactions.for_organizations(()) as session:
            return bool(session.execute(text("SELECT true")).scalar_one())
    except SQLAlchemyError as error:
        # What it says first is a sentence for operators, as of a server that is too old.
        said = str(error.__cause__ or error).strip().splitlines()[0]
        log.warning("database_failed", said=said)
        return False
