"""What routes ask for: the principal, and a transaction that sees only their organization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import SecurityScopes
from sqlmodel import Session

from api.access import filter_ids
from api.access.authentication import authenticate_async
from api.access.principal import Principal
from api.context import AppContext, ContextDep
from api.transport import idempotency
from api.transport.conditional.edits import note_left, require_unchanged
from api.transport.conditional.resources import Within
from api.transport.urls import natural_keys
from billing.errors import NotFound


async def get_principal(request: Request, context: ContextDep, scopes: SecurityScopes) -> Principal:
    """Whoever makes the request, known and allowed. Raises Unauthenticated or Forbidden."""
    principal = await authenticate_async(request, context)
    for scope in scopes.scopes:
        principal.require_scope(scope)
    return principal


async def get_manager(request: Request, context: ContextDep) -> Principal:
    """An owner or admin in a session. Raises Unauthenticated or Forbidden."""
    principal = await authenticate_async(request, context)
    principal.require_manager()
    return principal


async def get_person(request: Request, context: ContextDep) -> Principal:
    """Anybody in a session, for the organization that knows them. Raises as above."""
    principal = await authenticate_async(request, context)
    principal.require_session()
    return principal.at_home()


async def get_member_manager(principal: Annotated[Principal, Depends(get_manager)]) -> Principal:
    """An owner or admin, for the organization whose members they are, never for its sandbox."""
    return principal.at_home()


Reader = Annotated[Principal, Security(get_principal, scopes=["billing.read"])]
Writer = Annotated[Principal, Security(get_principal, scopes=["billing.write"])]
UsageReader = Annotated[Principal, Security(get_principal, scopes=["usage.read"])]
UsageWriter = Annotated[Principal, Security(get_principal, scopes=["usage.write"])]
Manager = Annotated[Principal, Depends(get_manager)]
Person = Annotated[Principal, Depends(get_person)]
MemberManager = Annotated[Principal, Depends(get_member_manager)]
READS_BILLING = Security(get_principal, scopes=["billing.read"])
"""What a route says that is answered in front of the framework."""


def open_transaction(
    request: Request, context: AppContext, principal: Principal
) -> Iterator[Session]:
    """A transaction of the principal's organization, committed before the answer is sent."""
    with context.transactions.for_organization(principal.organization_id) as session:
        session.info["actor"] = principal.actor
        session.info["request_id"] = getattr(request.state, "request_id", None)
        idempotency.begin(request, session, principal.organization_id, now=context.now())
        path_params = request.path_params
        sent_ids = natural_keys.put_ids(session, principal.organization_id, path_params)
        if request.scope["query_string"]:
            filter_ids.require_known_ids(session, principal.organization_id, request.query_params)
        within = Within(session=session, principal=principal, context=context)
        try:
            require_unchanged(request, within)
            yield session
            note_left(request, within)
        except NotFound as error:
            natural_keys.look_among_names(
                session, principal.organization_id, path_params, sent_ids, error
            )
            raise


def open_reading(request: Request, context: ContextDep, principal: Reader) -> Iterator[Session]:
    """A transaction of somebody who may read billing data."""
    yield from open_transaction(request, context, principal)


def open_writing(request: Request, context: ContextDep, principal: Writer) -> Iterator[Session]:
    """A transaction of somebody who may change billing data, committed before the answer."""
    yield from open_transaction(request, context, principal)


def open_usage_reading(
    request: Request, context: ContextDep, principal: UsageReader
) -> Iterator[Session]:
    """A transaction of somebody who may read usage."""
    yield from open_transaction(request, context, principal)


def open_usage_writing(
    request: Request, context: ContextDep, principal: UsageWriter
) -> Iterator[Session]:
    """A transaction of somebody who may write usage, committed before the answer is sent."""
    yield from open_transaction(request, context, principal)


def open_managing(request: Request, context: ContextDep, principal: Manager) -> Iterator[Session]:
    """A transaction of an owner or admin, committed before the answer is sent."""
    yield from open_transaction(request, context, principal)


def open_own(request: Request, context: ContextDep, principal: Person) -> Iterator[Session]:
    """A transaction of a person in a session, about themselves."""
    yield from open_transaction(request, context, principal)


def open_members(
    request: Request, context: ContextDep, principal: MemberManager
) -> Iterator[Session]:
    """A transaction of an owner or admin, about the members of their organization."""
    yield from open_transaction(request, context, principal)


# Function scope ends the transaction when the route returns: an answer never precedes its commit.
ReadSession = Annotated[Session, Depends(open_reading, scope="function")]
WriteSession = Annotated[Session, Depends(open_writing, scope="function")]
UsageReadSession = Annotated[Session, Depends(open_usage_reading, scope="function")]
UsageWriteSession = Annotated[Session, Depends(open_usage_writing, scope="function")]
ManageSession = Annotated[Session, Depends(open_managing, scope="function")]
OwnSession = Annotated[Session, Depends(open_own, scope="function")]
MemberSession = Annotated[Session, Depends(open_members, scope="function")]
