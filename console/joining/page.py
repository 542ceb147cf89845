"""The pages on which people choose a password: to join, or in place of one that is lost."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from console.dependencies import Dependencies
from console.language import language_of, words_in
from console.rendering import Handler, Page, answered, render

PAGES: Final = {
    "/join": ("join", "/api/v1/auth/accept-invitation"),
    "/new-password": ("new_password", "/api/v1/auth/reset"),
}
"""What each is called in the words, and where its form goes."""

MAY_ASK: Final = "; script-src 'self'; connect-src 'self'"
"""What these pages may load beyond all others: a script of ours, which asks our API."""


def make_routes(dependencies: Dependencies) -> list[BaseRoute]:
    """Both pages."""
    return [
        Route(path, answered(dependencies, _show(kind, address)))
        for path, (kind, address) in PAGES.items()
    ]


def _show(kind: str, address: str) -> Handler:
    async def show(request: Request) -> Response:
        language = language_of(request)
        words = words_in(language)
        said = {name: words[f"{kind}_{name}"] for name in ("title", "about", "done")}
        page = Page(render("password.html", language=language, address=address, **said))
        page.headers["Content-Security-Policy"] += MAY_ASK
        return page

    return show
