"""The two cookies of a session: set, and taken away (CONTRACT 63)."""

from __future__ import annotations

from fastapi import Request, Response

from api.access.cookie_names import ACCESS_COOKIE, REFRESH_COOKIE, cookie_name, is_secure
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
            cookie_name(name, request, context),
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
            cookie_name(name, request, context),
            path="/",
            secure=is_secure(request, context),
            httponly=True,
            samesite="lax",
        )
