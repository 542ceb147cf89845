"""Ingestion routes: plain ASGI, no dependency injection, answers only after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from fastapi import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.access.authentication import recognize_async
from api.access.principal import Principal
from api.context import AppState, state_of
from api.ingestion.decoding import (
    MOST_BATCH_BYTES,
    MOST_BODY_BYTES,
    read_array,
    read_body,
    read_lines,
    read_report,
)
from api.ingestion.views import (
    BatchResult,
    RecordedEvent,
    encode,
    view_batch,
    view_error,
    view_event,
)
from api.transport.errors import problem
from api.transport.fast_path import FastRoute
from billing.errors import InvalidInput
from services.ingestion.event_input import EventReport
from services.ingestion.submissions import EventResult, EventStatus, Submission

SCOPE: Final = "usage.write"
BATCH_PARAMETERS: Final = frozenset({"atomic", "create_customers", "results"})
JSON: Final = "application/json"
JSON_LINES: Final = ("application/x-ndjson", "application/jsonl", "application/ndjson")


async def track_usage(request: Request) -> Response:
    """Record one event by meter token and external customer id (CONTRACT 3.7)."""
    return await _record_one(request, token_only=True)


async def record_usage(request: Request) -> Response:
    """Record one event by the ids or names of meter and customer (CONTRACT 3.7)."""
    return await _record_one(request, token_only=False)


async def record_batch(request: Request) -> Response:
    """Record up to 10,000 events, each answered in its place (CONTRACT 33)."""
    state = state_of(request.app)
    principal = await _admit(request, state)
    is_atomic = _read_boolean(request, "atomic", default=False)
    introduces = _read_boolean(request, "create_customers", default=True)
    only_errors = _read_shown(request) == "errors"
    kind = _content_type(request)
    if kind not in (JSON, *JSON_LINES):
        raise HTTPException(415, f"Send the body as {JSON} or {JSON_LINES[0]}.")
    body = await read_body(request, most=MOST_BATCH_BYTES)
    rows = read_array(body) if kind == JSON else read_lines(body)
    if len(rows) > 1:
        state.rates.count_events(request, principal.organization_id, len(rows) - 1)
    results = await state.usage_writer.submit(
        Submission(
            organization_id=principal.organization_id,
            rows=rows,
            is_atomic=is_atomic,
            introduces=introduces,
        )
    )
    if is_atomic and any(one.error is not None for one in results):
        return _refuse_batch(request, results)
    return _json(view_batch(results, only_errors=only_errors), 200)


def make_routes(prefix: str) -> list[FastRoute]:
    """The ingestion routes; the framework has them only to refuse other methods."""
    return [
        FastRoute(prefix + path, endpoint, method="POST", parameters=parameters)
        for path, endpoint, parameters in (
            ("/sdk/track", track_usage, frozenset[str]()),
            ("/usage", record_usage, frozenset[str]()),
            ("/usage/batch", record_batch, BATCH_PARAMETERS),
        )
    ]


async def _admit(request: Request, state: AppState) -> Principal:
    """Whoever may report events, of whom one event more is counted before the body is read.

    Raises Unauthenticated, Forbidden, TooManyRequests.
    """
    principal = await recognize_async(request, state.context)
    principal.require_scope(SCOPE)
    state.rates.count_events(request, principal.organization_id, 1)
    return principal


async def _record_one(request: Request, *, token_only: bool) -> Response:
    state = state_of(request.app)
    principal = await _admit(request, state)
    if _content_type(request) != JSON:
        raise HTTPException(415, f"Send the body as {JSON}.")
    report = read_report(await read_body(request, most=MOST_BODY_BYTES))
    if token_only:
        _require_token_form(report)
    (result,) = await state.usage_writer.submit(
        Submission(organization_id=principal.organization_id, rows=[report], wants_events=True)
    )
    if result.error is not None:
        raise result.error
    assert result.event is not None
    is_repeated = result.status is EventStatus.DUPLICATE
    return _json(view_event(result.event, is_repeated=is_repeated), 200 if is_repeated else 201)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().casefold()


def _read_boolean(request: Request, name: str, *, default: bool) -> bool:
    text = request.query_params.get(name, str(default)).casefold()
    if text not in ("true", "false"):
        raise InvalidInput(f"{name} is true or false.", code="invalid_boolean", field=name)
    return text == "true"


def _read_shown(request: Request) -> str:
    """Which rows are answered."""
    shown = request.query_params.get("results", "all").casefold()
    if shown not in ("all", "errors"):
        raise InvalidInput("results is all or errors.", code="invalid_choice", field="results")
    return shown


def _require_token_form(report: EventReport) -> None:
    for field in ("meter_id", "meter_name", "customer_id"):
        if getattr(report, field) is not None:
            raise InvalidInput(
                f"{field} is not a field of /sdk/track.", code="unknown_field", field=field
            )
    for field in ("meter_token", "customer_external_id"):
        if getattr(report, field) is None:
            raise InvalidInput(f"{field} is missing.", code="missing_field", field=field)


def _refuse_batch(request: Request, results: Sequence[EventResult]) -> Response:
    errors = [
        {"index": index, **msgspec.to_builtins(view_error(result.error))}
        for index, result in enumerate(results)
        if result.error is not None
    ]
    return problem(
        request,
        422,
        "batch_rejected",
        f"{len(errors)} of {len(results)} events were rejected; nothing was stored.",
        errors=errors,
    )


def _json(content: RecordedEvent | BatchResult, status: int) -> Response:
    return Response(encode(content), status, media_type=JSON)
