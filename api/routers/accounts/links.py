"""What links bring people to: joining an organization, and a new password (CONTRACT 103)."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import Request, Response

from api.access.address_limits import address_of, visit_of
from api.admission.requests import CALLER_WATCHED, leaving_of, work
from api.context import ContextDep, state_of
from api.routers.accounts.auth import welcome
from api.schemas.accounts.accounts import SessionView
from api.schemas.accounts.members import (
    CHANGED,
    DONE,
    AcceptBody,
    DoneView,
    RequestResetBody,
    ResetBody,
)
from api.transport.exact_json import respond
from api.transport.route import Router
from billing.errors import NotFound
from services.members.invitations import Joining
from services.members.resets import Resets

router = Router(prefix="/auth", tags=["Authentication"], admission=None)

ANSWERED_AFTER_SECONDS: Final = 0.5
"""More than queueing a mail takes, so that the time does not tell whether one is queued."""


@router.post(
    "/accept-invitation",
    status_code=201,
    response_model=SessionView,
    dependencies=[CALLER_WATCHED],
)
async def accept_invitation(body: AcceptBody, request: Request, context: ContextDep) -> Response:
    """Join an organization by the token of a link; you are logged in. The link is good once."""
    now, address = context.now(), address_of(request)
    state, leaving = state_of(request.app), leaving_of(request)
    joining = Joining(context.sessions_for(request))
    async with state.address_limits.refused_links.counting_refusals(
        address, now=now, leaving=leaving, refusals=(NotFound,)
    ):
        await work(request, joining.begin, body.token, body.password, now=now)
        password_hash = await state.passwords.hash(body.password, address=address, leaving=leaving)
        logged_in = await work(
            request, joining.complete, body.token, password_hash, visit_of(request), now=now
        )
    return welcome(request, context, logged_in, 201)


@router.post(
    "/request-reset", status_code=202, response_model=DoneView, dependencies=[CALLER_WATCHED]
)
async def request_password_reset(
    body: RequestResetBody, request: Request, context: ContextDep
) -> Response:
    """Have a link for a new password mailed: good once, and for an hour.

    The answer is the same, and takes as long, whether or not there is such an account.
    """
    now, address = context.now(), address_of(request)
    state, leaving = state_of(request.app), leaving_of(request)
    await state.address_limits.resets.take(address, now=now, leaving=leaving)
    resets = Resets(context.sessions_for(request))
    await asyncio.gather(
        work(request, resets.request, body.email, now=now), asyncio.sleep(ANSWERED_AFTER_SECONDS)
    )
    return respond(DoneView(message=DONE), 202)


@router.post("/reset", response_model=DoneView, dependencies=[CALLER_WATCHED])
async def reset_password(body: ResetBody, request: Request, context: ContextDep) -> Response:
    """Set a new password by the token of a link. Every session of the account ends."""
    now, address = context.now(), address_of(request)
    state, leaving = state_of(request.app), leaving_of(request)
    resets = Resets(context.sessions_for(request))
    async with state.address_limits.refused_links.counting_refusals(
        address, now=now, leaving=leaving, refusals=(NotFound,)
    ):
        await work(request, resets.begin, body.token, body.password, now=now)
        password_hash = await state.passwords.hash(body.password, address=address, leaving=leaving)
        await work(request, resets.complete, body.token, password_hash, now=now)
    return respond(DoneView(message=CHANGED))
