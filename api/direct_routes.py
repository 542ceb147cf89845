"""The busiest routes, answered in front of the framework: it costs more than all that they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from api import errors, limits

METHODS: Final = ("GET", "POST")
"""Any other method is the framework's to refuse."""

TEMPLATE: Final = "fluxrate.template"
"""Where the scope has the path of the route as it is documented."""


class DirectRoutes:
    """Calls an asynchronous endpoint with the request and the texts in its path, nothing else.

    No dependencies, no validation, no threads, none of the framework's middleware.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = {
            method: tuple(route for route in routes if method in (route.methods or ()))
            for method in METHODS
        }

    def find(self, scope: Scope) -> bool:
        """Whether one of them answers the request; the scope says then which."""
        if scope["type"] != "http":
            return False
        for route in self._routes.get(scope["method"], ()):
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope.update(found, **{TEMPLATE: route.path})
                return True
        return False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that was found."""
        request = Request(scope, receive)
        try:
            limits.require_storable_address(request)
            response: Response = await scope["endpoint"](request, **request.path_params)
        except Exception as error:  # noqa: BLE001  (what nobody answers is raised again)
            response = await errors.answer(request, error)
        await response(scope, receive, send)
