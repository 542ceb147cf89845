"""Reads of one thing in front of the framework: one statement, and no thread."""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from api.access.authentication import authenticate_async
from api.context import AppContext, state_of
from api.reads.batched_reads import ANSWER_SECONDS, late
from api.transport import natural_keys
from api.transport.natural_keys import NATURAL_KEYS
from repositories.document_reads import DocumentRead

T = TypeVar("T")

SCOPE: Final = "billing.read"

_ID: Final = TypeAdapter(UUID)


async def read_one(request: Request, read: DocumentRead[T], parameter: str, text: str) -> T:
    """What the path names, by its id or else by its natural key.

    Raises: Unauthenticated, Forbidden, NotFound; Unavailable within two seconds;
    RequestValidationError for a text that can be no name.
    """
    state = state_of(request.app)
    principal = await authenticate_async(request, state.context)
    principal.require_scope(SCOPE)
    organization_id = principal.organization_id

    async def find(identifier: UUID) -> T | None:
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                state.read_connections.lend(organization_id) as connection,
            ):
                found = await read.run(connection, organization_id, [identifier])
        except TimeoutError as error:
            raise late() from error
        return found[0] if found else None

    sent = natural_keys.read_id(text)
    if sent is None and parameter not in NATURAL_KEYS:
        sent = _parse_id(parameter, text)
    found = None if sent is None else await find(sent)
    if found is None and parameter in NATURAL_KEYS:
        named = await run_in_threadpool(
            _find_named, state.context, organization_id, parameter, text
        )
        found = None if named is None else await find(named)
    if found is None:
        raise natural_keys.unknown(parameter)
    return found


def _find_named(
    context: AppContext, organization_id: UUID, parameter: str, text: str
) -> UUID | None:
    with context.transactions.for_organization(organization_id) as session:
        return natural_keys.find_named(session, organization_id, parameter, text, {})


def _parse_id(parameter: str, text: str) -> UUID:
    """The id, in the words of the framework if it is none."""
    try:
        return _ID.validate_python(text)
    except ValidationError as error:
        errors = [{**one, "loc": ("path", parameter)} for one in error.errors()]
        raise RequestValidationError(errors) from error
