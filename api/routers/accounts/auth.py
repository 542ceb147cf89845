"""Signing up, logging in, refreshing, logging out (CONTRACT 3.1)."""

from __future__ import annotations

from fastapi import Request, Response
from pydantic import ValidationError

from api.access.address_limits import address_of, visit_of
from api.access.authentication import authenticate, shown_token
from api.access.cookie_names import REFRESH_COOKIE, shown_cookie
from api.access.cookies import clear_cookies, set_cookies
from api.admission.requests import ADMITTED, CALLER_WATCHED, leaving_of, watch, work
from api.context import ContextDep, state_of
from api.schemas.accounts.accounts import (
    LoggedOutView,
    LogInBody,
    SessionView,
    SignUpBody,
    view_user,
)
from api.schemas.accounts.organizations import view_organization
from api.transport.exact_json import respond
from api.transport.fast_path import LeftToFramework
from api.transport.route import ExactRequest, Router
from billing.errors import Unauthenticated
from services.accounts.sessions import LoggedIn
from services.accounts.sign_in import Accounts, SignUp

router = Router(prefix="/auth", tags=["Authentication"], admission=None)
"""Visitors take slots one step at a time, so that none is held while a password is compared."""


@router.post("/signup", status_code=201, response_model=SessionView, dependencies=[CALLER_WATCHED])
async def sign_up(body: SignUpBody, request: Request, context: ContextDep) -> Response:
    """Make an organization with its owner, who is logged in."""
    now, address = context.now(), address_of(request)
    state = state_of(request.app)
    leaving = leaving_of(request)
    await state.address_limits.sign_ups.take(address, now=now, leaving=leaving)
    command = SignUp(
        email=body.email, password=body.password, organization_name=body.organization_name
    )
    accounts, policy = Accounts(context.sessions_for(request)), context.sign_up_policy
    await work(request, accounts.begin_sign_up, command, policy)
    password_hash = await state.passwords.hash(body.password, address=address, leaving=leaving)
    logged_in = await work(
        request,
        accounts.complete_sign_up,
        command,
        password_hash,
        policy,
        visit_of(request),
        now=now,
    )
    return welcome(request, context, logged_in, 201)


@router.post("/login", response_model=SessionView, dependencies=[CALLER_WATCHED])
async def log_in(body: LogInBody, request: Request, context: ContextDep) -> Response:
    """Log in; both tokens come as cookies.

    Who has an authenticator gets 401 `second_factor_required` first, and sends the same again with
    `code`.
    """
    now, address = context.now(), address_of(request)
    state, visit = state_of(request.app), visit_of(request)
    accounts = Accounts(context.sessions_for(request))
    leaving = leaving_of(request)
    async with state.address_limits.failed_log_ins.counting_refusals(
        address, now=now, leaving=leaving
    ):
        # A crowd waits before it asks the database for anything: most of it leaves meanwhile.
        async with state.passwords.turn(address=address, leaving=leaving) as compare:
            attempt = await work(request, accounts.begin_log_in, body.email, visit, now=now)
            checked = await compare(body.password, attempt.password_hash)
        logged_in = await work(
            request, accounts.complete_log_in, attempt, checked, visit, code=body.code, now=now
        )
    return welcome(request, context, logged_in)


@router.in_front("/login", log_in)
async def log_in_early(request: Request) -> Response:
    """As :func:`log_in`, which says what is wrong with a body that cannot be read.

    Of a crowd that guesses most leave the line: what the framework does for each of them costs
    more than their wait.
    """
    exact, context = ExactRequest(request.scope, request.receive), state_of(request.app).context
    if not await exact.keep_to_limits():
        raise LeftToFramework
    try:
        body = LogInBody.model_validate(await exact.json())
    except ValidationError as error:
        raise LeftToFramework from error
    async with watch(request, context):
        return await log_in(body, request, context)


@router.post("/refresh", response_model=SessionView, dependencies=[ADMITTED])
def refresh_session(request: Request, context: ContextDep) -> Response:
    """Exchange the refresh token for new ones. It is good once; a second use ends the session."""
    token = shown_cookie(REFRESH_COOKIE, request, context)
    if token is None:
        raise Unauthenticated("There is no refresh token.", code="credentials_missing")
    sessions, visit = context.sessions_for(request), visit_of(request)
    return welcome(request, context, sessions.refresh(token, visit, now=context.now()))


@router.post("/logout", response_model=LoggedOutView, dependencies=[ADMITTED])
def log_out(request: Request, context: ContextDep) -> Response:
    """End the session; its tokens are refused at once. Without a session nothing happens."""
    response = respond(LoggedOutView())
    clear_cookies(response, request, context)
    sessions, now = context.sessions_for(request), context.now()
    refresh_token = shown_cookie(REFRESH_COOKIE, request, context)
    if refresh_token is not None:
        sessions.log_out_by_refresh_token(refresh_token, now=now)
    if shown_token(request, context) is not None:
        try:
            principal = authenticate(request, context)
        except Unauthenticated:
            return response
        if principal.session_id is not None:
            sessions.log_out(principal.home_id, principal.session_id, now=now)
    return response


def welcome(
    request: Request, context: ContextDep, logged_in: LoggedIn, status_code: int = 200
) -> Response:
    """The answer to who came in: who and where they are, with the cookies of their session."""
    account = SessionView(
        user=view_user(logged_in.user), organization=view_organization(logged_in.organization)
    )
    response = respond(account, status_code)
    set_cookies(response, request, context, logged_in)
    return response
