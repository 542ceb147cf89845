"""API keys, which need a session of an owner or admin (CONTRACT 3.2, 65), and what they sent."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from sqlalchemy import event

from api.access.sessions import Manager, ManageSession, Reader, ReadSession
from api.context import ContextDep, state_of
from api.schemas.accounts.accounts import ApiKeyCreate, ApiKeyView, CreatedApiKeyView, view_api_key
from api.schemas.accounts.request_log import (
    FailedRequestsView,
    LoggedRequestView,
    view_problem,
    view_request,
)
from api.schemas.common import Instant, any_case
from api.schemas.pages import CursorPageOf, ListOf, PageOf
from api.transport.exact_json import dump_json, respond
from api.transport.idempotency import keep_instead
from api.transport.pagination import (
    COUNTED_AT_MOST,
    ListRangeDep,
    PageDep,
    envelope,
    list_range_envelope,
)
from api.transport.route import Router
from repositories.accounts import api_keys as stored_keys
from repositories.accounts import request_log
from repositories.accounts.request_log import Outcome, Wanted
from services.accounts import api_keys

router = Router(prefix="/api-keys", tags=["API keys"])
requests = Router(prefix="/requests", tags=["API keys"])

MOST_PROBLEMS: Final = 100

Exact = Annotated[str | None, Query(min_length=1, max_length=400)]


@router.post("", status_code=201, response_model=CreatedApiKeyView)
def create_api_key(
    body: ApiKeyCreate,
    request: Request,
    session: ManageSession,
    principal: Manager,
    context: ContextDep,
) -> Response:
    """Make a key. This answer is the only place where it appears."""
    api_key, secret = api_keys.create_api_key(
        session,
        principal.organization_id,
        body.command(),
        security=context.security,
        now=context.now(),
    )
    shown = view_api_key(api_key)
    keep_instead(request, dump_json(shown))
    return respond(CreatedApiKeyView(**shown.model_dump(), key=secret), 201)


@router.get("", response_model=PageOf[ApiKeyView])
def list_api_keys(session: ManageSession, principal: Manager, page: PageDep) -> Response:
    """List the keys, revoked ones included, without their secrets."""
    found, total = stored_keys.list_api_keys(
        session, principal.organization_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_api_key(api_key) for api_key in found], page, total))


@router.delete("/{key_id}", status_code=204)
def revoke_api_key(
    key_id: UUID,
    session: ManageSession,
    principal: Manager,
    context: ContextDep,
) -> Response:
    """Revoke a key: from this answer on it is refused."""
    api_keys.revoke_api_key(session, principal.organization_id, key_id, now=context.now())
    event.listen(session, "after_commit", lambda _: context.key_cache.forget(key_id))
    return Response(status_code=204)


async def write_requests(_principal: Reader, request: Request) -> None:
    """What this process answered so far is in the list; of others what is a second old."""
    await state_of(request.app).request_log.write()


async def get_wanted(
    outcome: Annotated[Outcome | None, any_case(Outcome)] = None,
    method: Exact = None,
    path: Exact = None,
    code: Exact = None,
    api_key_id: UUID | None = None,
    request_id: Exact = None,
    since: Annotated[Instant | None, Query(description="The first instant.")] = None,
    until: Annotated[Instant | None, Query(description="The instant before which.")] = None,
) -> Wanted:
    """The requests that the query asks for: those that have all of it."""
    return Wanted(
        outcome=outcome,
        method=method,
        path=path,
        code=code,
        api_key_id=api_key_id,
        request_id=request_id,
        since=since,
        until=until,
    )


@requests.get(
    "", response_model=CursorPageOf[LoggedRequestView], dependencies=[Depends(write_requests)]
)
def list_requests(
    session: ReadSession,
    principal: Reader,
    list_range: ListRangeDep,
    wanted: Annotated[Wanted, Depends(get_wanted)],
) -> Response:
    """List what keys sent lately and how it was answered, newest first."""
    organization_id, size = principal.organization_id, list_range.page.size
    # One more than is shown tells whether the list goes on.
    found = request_log.list_requests(
        session,
        organization_id,
        wanted,
        before=list_range.after,
        offset=list_range.offset,
        limit=size + 1,
    )
    total = request_log.count_requests(
        session, organization_id, wanted, at_most=COUNTED_AT_MOST + 1
    )
    shown = found[:size]
    last = (shown[-1].request.at, shown[-1].request.id) if len(found) > size else None
    return respond(
        list_range_envelope([view_request(one) for one in shown], list_range, total, last)
    )


@requests.get(
    "/problems", response_model=ListOf[FailedRequestsView], dependencies=[Depends(write_requests)]
)
def list_problems(
    session: ReadSession, principal: Reader, wanted: Annotated[Wanted, Depends(get_wanted)]
) -> Response:
    """List how requests of keys failed lately, what failed most often first.

    Of requests that failed in the same way it says how many there were: the first hundred of such
    groups.
    """
    found = request_log.list_problems(
        session, principal.organization_id, wanted, limit=MOST_PROBLEMS
    )
    return respond({"data": [view_problem(one) for one in found]})
