"""The two cookies of a session, under their documented names (CONTRACT 63)."""

from __future__ import annotations

from fastapi import Request, Response

from api.access.authentication import ACCESS_COOKIE, REFRESH_COOKIE
from api.context import AppContext
from services.accounts.sessions import LoggedIn


def set_cookies(
    response: Response, request: Request, context: AppContext, logged_in: LoggedIn
) -> None:
    """The browser keeps both tokens, where no script reads them, as long as they are good."""
    for name, value, seconds in (
        (ACCESS_COOKIE, logged_in.access_token, logged_in.access_seconds),
        (REFRESH_COOKIE, logged_in.refresh_token, logged_in.refresh_seconds),
    ):
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            secure=is_secure(request, context),
            httponly=True,
            samesite="lax",
        )


def clear_cookies(response: Response, request: Request, context: AppContext) -> None:
    """The browser forgets both tokens."""
    for name in (ACCESS_COOKIE, REFRESH_COOKIE):
        response.delete_cookie(
            name, path="/", secure=is_secure(request, context), httponly=True, samesite="lax"
        )


def is_secure(request: Request, context: AppContext) -> bool:
    """Whether cookies may travel encrypted only: the request did, or the public address does."""
    return request.url.scheme == "https" or context.public_url.startswith("https://")
