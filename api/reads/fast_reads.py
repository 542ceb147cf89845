"""Reads in front of the framework, of one thing or of a list: one statement, and no thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from psycopg import AsyncConnection
from pydantic import TypeAdapter, ValidationError, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access.authentication import authenticate_async
from api.access.filter_ids import filters_by_id, require_known_ids
from api.context import AppContext, AppState, state_of
from api.reads.batches import ANSWER_SECONDS, late
from api.reads.connections import ReadConnections
from api.transport.conditional.resources import WITHIN, Within
from api.transport.exact_json import dump_json, respond
from api.transport.fast_path import LeftToFramework
from api.transport.pagination import (
    COUNTED_AT_MOST,
    ListRange,
    Page,
    place_in_range,
    place_of,
)
from api.transport.urls import natural_keys
from api.transport.urls.natural_keys import NATURAL_KEYS
from billing.errors import BillingError, TooManyRequests, Unauthenticated
from repositories.asynchronous.document_reads import DocumentRead, PageRead

T = TypeVar("T")

SCOPE: Final = "billing.read"
TURN_SECONDS: Final = 0.001
"""So long a page is written at once; then the event loop does what else waits. Where a thread
computes, whoever looks around waits for the interpreter."""

IdText = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
"""An id in a path, as it was sent."""

_ID: Final = TypeAdapter(UUID)


async def show_one(
    request: Request,
    read: DocumentRead[T],
    view: Callable[[T], object],
    parameter: str,
    text: str,
    *,
    is_long: bool = False,
    **more: object,
) -> Response:
    """The answer of a read of what the path names, as :func:`read_one` finds it.

    ``view`` depends on nothing but what it is given.
    """
    within: Within | None = request.scope.get(WITHIN)
    if within is not None:
        return respond(view(_read_within(within, read, parameter, text, **more)))
    state, document = await _find(request, read, parameter, text, is_long=is_long, **more)
    body = state.written_views.write(read, view, document)
    return Response(body, media_type="application/json")


async def read_one(request: Request, read: DocumentRead[T], parameter: str, text: str) -> T:
    """What the path names, by its id or else by its natural key.

    Raises: Unauthenticated, Forbidden, NotFound; Unavailable within two seconds;
    RequestValidationError for a text that can be no name.
    """
    _, document = await _find(request, read, parameter, text)
    return read.decode(document)


async def _find(
    request: Request,
    read: DocumentRead[T],
    parameter: str,
    text: str,
    *,
    is_long: bool = False,
    **more: object,
) -> tuple[AppState, str]:
    """Its document. Those of a moment share a statement.

    One that ``is_long`` has its own, which asks for ``more`` and keeps no other waiting.
    """
    state, organization_id = await _admit(request)

    async def find(identifier: UUID) -> str | None:
        if not is_long:
            return await state.batched_documents.find(read, organization_id, identifier)
        async with lend_in_time(state.long_read_connections, organization_id) as connection:
            [found] = await read.find(connection, organization_id, [identifier], **more)
        return found

    sent = natural_keys.read_id(text)
    if sent is None and parameter not in NATURAL_KEYS:
        sent = parse_id(parameter, text)
    found = None if sent is None else await find(sent)
    if found is None and parameter in NATURAL_KEYS:
        named = await run_in_threadpool(
            _find_named, state.context, organization_id, parameter, text
        )
        found = None if named is None else await find(named)
    if found is None:
        raise natural_keys.unknown(parameter)
    return state, found


def _read_within(
    within: Within, read: DocumentRead[T], parameter: str, text: str, **more: object
) -> T:
    """What a path names, as an open transaction has it."""
    organization_id = within.principal.organization_id
    found = read.run_within(within.session, organization_id, [parse_id(parameter, text)], **more)
    if not found:
        raise natural_keys.unknown(parameter)
    return found[0]


async def show_page(
    request: Request,
    read: PageRead[T],
    view: Callable[[T], object],
    page: Page,
    **filters: object,
) -> Response:
    """A page of a list, each item by its view; a filter that is None leaves everything.

    Raises: Unauthenticated, Forbidden; NotFound for a filter by the id of nothing; Unavailable
    within two seconds.
    """
    state, organization_id = await _admit(request)
    given = {name: value for name, value in filters.items() if value is not None}
    async with lend_in_time(state.long_read_connections, organization_id) as connection:
        found = await read.find(
            connection, organization_id, given, offset=page.offset, limit=page.size
        )
    await _require_known_filters(request, state, organization_id, found.total)
    write = partial(state.written_views.write, read.read, view)
    return await respond_items(found.data, place_of(page, found.total), write)


async def show_part(
    request: Request,
    read: PageRead[T],
    view: Callable[[T], object],
    part: ListRange,
    *,
    newest_first: bool,
    **filters: object,
) -> Response:
    """A part of a list that may be very long, as :func:`show_page` shows a page."""
    state, organization_id = await _admit(request)
    given = {name: value for name, value in filters.items() if value is not None}
    async with lend_in_time(state.long_read_connections, organization_id) as connection:
        found = await read.find_part(
            connection,
            organization_id,
            given,
            newest_first=newest_first,
            after=part.after,
            offset=part.offset,
            # One more than is shown tells whether the list goes on.
            limit=part.page.size + 1,
            count_at_most=COUNTED_AT_MOST + 1,
        )
    await _require_known_filters(request, state, organization_id, found.total)
    shown = found.data[: part.page.size]
    last = found.places[len(shown) - 1] if len(found.data) > len(shown) else None
    write = partial(state.written_views.write, read.read, view)
    return await respond_items(shown, place_in_range(part, found.total, last), write)


async def respond_items(
    documents: Sequence[str], place: Mapping[str, object], write: Callable[[str], bytes]
) -> Response:
    """A part of a list as the answer, its items written; others have their turns in between."""
    items = []
    began = time.perf_counter()
    for document in documents:
        items.append(write(document))
        if time.perf_counter() - began >= TURN_SECONDS:
            await asyncio.sleep(0)
            began = time.perf_counter()
    body = b'{"data":[' + b",".join(items) + b'],"meta":' + dump_json(place) + b"}"
    return Response(body, media_type="application/json")


def parse_id(parameter: str, text: str) -> UUID:
    """The id in a path. Raises RequestValidationError in the framework's words if it is none."""
    try:
        return _ID.validate_python(text)
    except ValidationError as error:
        errors = [{**one, "loc": ("path", parameter)} for one in error.errors()]
        raise RequestValidationError(errors) from error


async def admit_in_front(request: Request) -> UUID:
    """Whose billing data the caller may read. Raises LeftToFramework for whoever may not."""
    try:
        _, organization_id = await _admit(request)
    except (TooManyRequests, Unauthenticated):
        # Whoever was counted is not counted again, and would pass; who is unknown stays unknown.
        raise
    except BillingError as error:
        raise LeftToFramework from error
    return organization_id


async def _admit(request: Request) -> tuple[AppState, UUID]:
    state = state_of(request.app)
    principal = await authenticate_async(request, state.context)
    principal.require_scope(SCOPE)
    return state, principal.organization_id


@asynccontextmanager
async def lend_in_time(
    connections: ReadConnections, organization_id: UUID
) -> AsyncIterator[AsyncConnection]:
    """A connection, given up when it is late. Raises Unavailable within two seconds."""
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            connections.lend(organization_id) as connection,
        ):
            yield connection
    except TimeoutError as error:
        raise late() from error


async def _require_known_filters(
    request: Request, state: AppState, organization_id: UUID, total: int
) -> None:
    """Raise NotFound for a filter by the id of nothing.

    What is in a list is of those that it is filtered by, so they exist.
    """
    query = request.query_params
    if total == 0 and filters_by_id(query):
        await run_in_threadpool(_require_known, state.context, organization_id, query)


def _require_known(context: AppContext, organization_id: UUID, query: Mapping[str, str]) -> None:
    with context.transactions.for_organization(organization_id) as session:
        require_known_ids(session, organization_id, query)


def _find_named(
    context: AppContext, organization_id: UUID, parameter: str, text: str
) -> UUID | None:
    with context.transactions.for_organization(organization_id) as session:
        return natural_keys.find_named(session, organization_id, parameter, text, {})
