"""Probes at the host's root: decide by their status code (CONTRACT 35)."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from api.context import AppContext, ContextDep
from api.decimal_json import respond

router = APIRouter(tags=["Health"])

PROBE_SECONDS = 2.0


@router.head("/health", include_in_schema=False)
@router.head("/livez", include_in_schema=False)
@router.get("/health", name="report_health")
@router.get("/livez")
async def report_alive() -> Response:
    """The process answers. Nothing else is asked."""
    return respond({"status": "ok"})


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz")
async def report_ready(context: ContextDep) -> Response:
    """Whether the database answers, its schema is current and Temporal is there; 503 if not.

    Ingestion, reads and entitlement checks work without Temporal; what is changed meanwhile reaches
    its owners when it is back.
    """
    names = ("database", "schema", "temporal")
    probes = (_reach_database(context), context.reach_schema(), context.reach_temporal())
    answers = await asyncio.gather(
        *(asyncio.wait_for(probe, PROBE_SECONDS) for probe in probes), return_exceptions=True
    )
    checks = {name: answer is True for name, answer in zip(names, answers, strict=True)}
    is_ready = all(checks.values())
    body = {
        "status": "ready" if is_ready else "not_ready",
        "checks": {name: "ok" if passed else "failed" for name, passed in checks.items()},
    }
    return respond(body, 200 if is_ready else 503)


async def _reach_database(context: AppContext) -> bool:
    return await run_in_threadpool(_select_one, context)


def _select_one(context: AppContext) -> bool:
    try:
        with context.transactions.for_organizations(()) as session:
            return bool(session.execute(text("SELECT true")).scalar_one())
    except SQLAlchemyError:
        return False
