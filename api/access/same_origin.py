"""Cross-site requests never act with a person's cookies (CONTRACT 63)."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.cookie_names import ALL_COOKIES
from api.transport.errors import problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
DEFAULT_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int | None]


class SameOrigin:
    """Refuses an unsafe request that carries a session's cookie from another site.

    Browsers say where a request comes from in ``Origin`` and ``Sec-Fetch-Site``, and no page can
    change that; programs that send neither pass. ``public_url`` is one of our own addresses, for
    when a proxy hides it.
    """

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self._app = app
        self._public_origin = read_origin(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 403."""
        if not _acts_with_cookie(scope) or self._is_allowed(Request(scope)):
            await self._app(scope, receive, send)
            return
        response = problem(
            Request(scope),
            403,
            "cross_site_request",
            "A request from another site cannot use this session.",
        )
        await response(scope, receive, send)

    def _is_allowed(self, request: Request) -> bool:
        if not ALL_COOKIES & request.cookies.keys():
            return True
        if request.headers.get("sec-fetch-site", "").casefold() == "cross-site":
            return False
        origins = request.headers.getlist("origin")
        own = {self._public_origin, read_origin(f"{request.url.scheme}://{request.url.netloc}")}
        return all(read_origin(origin) in own - {None} for origin in origins)


def _acts_with_cookie(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] not in SAFE_METHODS
        and any(name == b"cookie" for name, _ in scope["headers"])
    )


def read_origin(address: str) -> Origin | None:
    """The scheme, host and port of an address; None if it is no address of the web."""
    try:
        parts = urlsplit(address.strip())
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port
