"""What the two cookies of a session are called, and how they are found again (CONTRACT 63).

Over https their names begin with ``__Host-``: a browser takes such a cookie from this host alone,
encrypted, and for the whole of it, so that no neighbor under the same domain can plant one. By
plain http, as on a developer's machine, browsers refuse that, so they have their documented names.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import HTTPConnection

from api.context import AppContext

ACCESS_COOKIE: Final = "access_token"
REFRESH_COOKIE: Final = "refresh_token"
HOST_PREFIX: Final = "__Host-"

ALL_COOKIES: Final = frozenset(
    prefix + name for prefix in ("", HOST_PREFIX) for name in (ACCESS_COOKIE, REFRESH_COOKIE)
)
"""Every name by which a session may be shown."""


def cookie_name(name: str, request: HTTPConnection, context: AppContext) -> str:
    """What a cookie is called for whoever makes this request."""
    has_prefix = is_secure(request, context) and not context.plain_cookie_names
    return f"{HOST_PREFIX}{name}" if has_prefix else name


def shown_cookie(name: str, request: HTTPConnection, context: AppContext) -> str | None:
    """The cookie's value. One of the other name is passed over: anybody may have set that."""
    return request.cookies.get(cookie_name(name, request, context))


def is_secure(request: HTTPConnection, context: AppContext) -> bool:
    """Whether cookies may travel encrypted only: the request did, or the public address does."""
    return request.url.scheme == "https" or context.public_url.startswith("https://")
