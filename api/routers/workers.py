"""The health of the workers (CONTRACT 4.13). Shown to anybody: counts and instants only."""

from __future__ import annotations

import time
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.context import ContextDep
from api.decimal_json import respond
from api.schemas.workers import WorkersHealthView, view_workers
from services.worker_health import WorkReport, report_work

router = APIRouter(prefix="/workers", tags=["Health"])

KEPT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report and the monotonic second until which it is shown again."""

    report: WorkReport
    good_until: float


@router.get("/health", response_model=WorkersHealthView)
async def report_workers(request: Request, context: ContextDep) -> Response:
    """Show whether the workers do what is due; a bill that waits for people counts as a failure.

    The report is at most a second old, so that asking often costs nothing.
    """
    kept: KeptReport | None = getattr(request.app.state, "worker_report", None)
    if kept is None or kept.good_until <= time.monotonic():
        report = await run_in_threadpool(report_work, context.transactions, now=context.now())
        kept = KeptReport(report, time.monotonic() + KEPT_SECONDS)
        request.app.state.worker_report = kept
    is_engine_there = await context.reach_temporal()
    return respond(view_workers(kept.report, is_engine_there=is_engine_there, now=context.now()))
