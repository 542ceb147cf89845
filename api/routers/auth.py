"""Signing up, logging in, refreshing, logging out (CONTRACT 3.1)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.authentication import REFRESH_COOKIE, authenticate, shown_token
from api.context import ContextDep
from api.cookies import clear_cookies, set_cookies
from api.decimal_json import LosslessRoute, respond
from api.schemas.accounts import AccountView, LogInBody, SignUpBody, view_user
from api.schemas.organizations import view_organization
from billing.errors import Unauthenticated
from services.accounts import LoggedIn, SignUp

router = APIRouter(prefix="/auth", tags=["Authentication"], route_class=LosslessRoute)


@router.post("/signup", status_code=201, response_model=AccountView)
def sign_up(body: SignUpBody, request: Request, context: ContextDep) -> Response:
    """Make an organization with its owner, who is logged in."""
    command = SignUp(
        email=body.email, password=body.password, organization_name=body.organization_name
    )
    return _welcome(request, context, context.accounts.sign_up(command, now=context.now()), 201)


@router.post("/login", response_model=AccountView)
def log_in(body: LogInBody, request: Request, context: ContextDep) -> Response:
    """Log in; both tokens come as cookies."""
    logged_in = context.accounts.log_in(body.email, body.password, now=context.now())
    return _welcome(request, context, logged_in)


@router.post("/refresh", response_model=AccountView)
def refresh(request: Request, context: ContextDep) -> Response:
    """Exchange the refresh token for new ones. It is good once; a second use ends the session."""
    token = request.cookies.get(REFRESH_COOKIE)
    if token is None:
        raise Unauthenticated("There is no refresh token.", code="credentials_missing")
    return _welcome(request, context, context.accounts.refresh(token, now=context.now()))


@router.post("/logout")
def log_out(request: Request, context: ContextDep) -> Response:
    """End the session; its tokens are refused at once. Without a session nothing happens."""
    response = respond({"message": "Logged out"})
    clear_cookies(response, request, context)
    refresh_token = request.cookies.get(REFRESH_COOKIE)
    if refresh_token is not None:
        context.accounts.log_out_by_refresh_token(refresh_token, now=context.now())
    if shown_token(request) is not None:
        try:
            principal = authenticate(request, context)
        except Unauthenticated:
            return response
        if principal.session_id is not None:
            context.accounts.log_out(
                principal.organization_id, principal.session_id, now=context.now()
            )
    return response


def _welcome(
    request: Request, context: ContextDep, logged_in: LoggedIn, status_code: int = 200
) -> Response:
    account = AccountView(
        user=view_user(logged_in.user), organization=view_organization(logged_in.organization)
    )
    response = respond(account, status_code)
    set_cookies(response, request, context, logged_in)
    return response
