"""Every error as a problem document (RFC 9457; CONTRACT 2 and 3). Nothing internal leaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from psycopg.errors import DeadlockDetected, QueryCanceled, SerializationFailure
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from api.document.codes import PLACE
from api.transport.exact_json import dump_json
from api.transport.refused.fields import field_error, refused_fields, write_sentence
from api.transport.urls import paths
from api.transport.urls.nearest import find_nearest
from billing.errors import (
    BillingError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    Rejected,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from billing.payments.gateways import WebhookRefused

log = structlog.get_logger(__name__)

STATUSES: Mapping[type[BillingError], int] = {
    InvalidInput: 422,
    NotFound: 404,
    Conflict: 409,
    PreconditionFailed: 412,
    Unauthenticated: 401,
    Forbidden: 403,
    TooLarge: 413,
    TooManyRequests: 429,
    Unavailable: 503,
    WebhookRefused: 400,
    Rejected: 502,
}
CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 415: "unsupported_media"}
AWAY = ("database_unavailable", "The database does not answer; repeat the request.")
OVERTAKEN = (
    "write_conflict",
    "Another change came first; nothing was changed. Repeat the request.",
)
CHANGED = (
    PreconditionFailed.code,
    "It is not what the request was made from: somebody changed it. Read it again.",
)
TOO_SLOW = (
    "too_slow",
    "This takes longer than a request may; nothing was changed. Repeat it, or ask for less.",
)
RETRY_AFTER_SECONDS = 2
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
SHOWN_ERRORS = 50


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    identifiers: Mapping[str, str | None] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One error as ``application/problem+json``; ``message`` repeats it for older clients.

    ``identifiers`` are what the error is about, members of their own beside the known ones.
    """
    request.state.problem = code
    request.state.refused_fields = refused_fields(errors)
    body: dict[str, Any] = {
        **(identifiers or {}),
        "type": f"{public_address(request)}{PLACE}/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "message": detail,
        "instance": paths.path_of(request.scope),
        "code": code,
        "request_id": getattr(request.state, "request_id", None),
    }
    if errors:
        body["errors"] = list(errors)
    return Response(
        dump_json(body), status, dict(headers or {}), media_type="application/problem+json"
    )


def public_address(request: Request) -> str:
    """Where people find this application, as it was said when it was made."""
    return str(getattr(request.app, "public_url", "")).rstrip("/")


def status_of(error: BillingError) -> int:
    """The HTTP status of an error: that of the nearest class in the tree, else 500."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return 500


def install(app: FastAPI) -> None:
    """Answer every error of this application with a problem document."""
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)


async def answer(request: Request, error: Exception) -> Response:
    """The problem document for an error; raises what none is written for."""
    for kind in type(error).__mro__:
        if kind in HANDLERS:
            return await HANDLERS[kind](request, error)
    raise error


async def answer_unexpected(request: Request, error: Exception) -> Response:
    """The last resort: logged with its traceback, answered without a word about the inside."""
    log.error("unexpected_error", exc_info=error)
    return _internal(request)


async def _answer_billing_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, BillingError)
    status = status_of(error)
    if status == 500:
        log.error("invariant_broken", code=error.code, detail=error.detail, **error.identifiers)
        return _internal(request)
    errors = [{"field": error.field, "code": error.code, "detail": error.detail}]
    headers = {}
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_seconds)
    elif status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    elif status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        request,
        status,
        error.code,
        error.detail,
        errors=errors if error.field else (),
        identifiers=error.identifiers,
        headers=headers,
    )


async def _answer_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [field_error(one) for one in error.errors()[:SHOWN_ERRORS]]
    detail = f"Invalid input: {write_sentence(errors)}"
    return problem(request, 422, "invalid_input", detail, errors=errors)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer_unknown_address(request)
    code = CODES.get(error.status_code, "http_error")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # The framework names the methods of one route, where several share the path.
        headers["Allow"] = paths.allowed_methods(request.app.routes, request.scope)
    return problem(request, error.status_code, code, str(error.detail), headers=headers)


def _answer_unknown_address(request: Request) -> Response:
    """No route is there; one that is near is told."""
    method, path = paths.method_of(request.scope), paths.path_of(request.scope)
    near = find_nearest(getattr(request.app, "addresses", ()), method, path)
    detail = "Nothing is at this address."
    if near is None:
        return problem(request, 404, CODES[404], detail)
    meant = f"{detail} Did you mean {near}?"
    return problem(request, 404, CODES[404], meant, identifiers={"did_you_mean": near})


async def _answer_database_away(request: Request, error: Exception) -> Response:
    return await _answer_billing_error(request, unavailable(error))


def unavailable(error: Exception) -> Unavailable:
    """What an error of the database means to whoever asked: it is away, overtaken or too slow."""
    cause = getattr(error, "orig", None) or error
    code, detail = AWAY
    if isinstance(cause, DeadlockDetected | SerializationFailure):
        code, detail = OVERTAKEN
    elif isinstance(cause, QueryCanceled):
        code, detail = TOO_SLOW
    log.warning(code, error=type(cause).__name__)
    return Unavailable(detail, code=code)


def _internal(request: Request) -> Response:
    return problem(
        request, 500, "internal_error", "Something went wrong here; nothing was changed."
    )


HANDLERS: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    BillingError: _answer_billing_error,
    RequestValidationError: _answer_invalid_request,
    HTTPException: _answer_http_error,
    **dict.fromkeys(DATABASE_AWAY, _answer_database_away),
}
