"""A fast path for the busiest routes, in front of the framework, which costs more than they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from api.transport import body_limits, errors
from api.transport.urls import paths

METHODS: Final = ("GET", "POST")
"""Any other method is the framework's to refuse; HEAD comes as GET."""

ROUTE: Final = "fluxrate.route"
"""Where the scope has the route that was found."""


def _read_nothing(_request: Request) -> Mapping[str, Any]:
    """The endpoint reads its query itself."""
    return {}


class FastRoute(Route):
    """A route that is found without the framework, with the query parameters that it takes.

    ``read_query`` gives the arguments that come of them.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        method: str,
        parameters: frozenset[str] = frozenset(),
        read_query: Callable[[Request], Mapping[str, Any]] = _read_nothing,
    ) -> None:
        super().__init__(path, endpoint, methods=[method], include_in_schema=False)
        self.parameters = parameters
        self.read_query = read_query


class FastRoutes:
    """Calls an asynchronous endpoint with the request, the texts in its path and what it takes.

    No dependencies, no validation, no threads, none of the framework's middleware.
    """

    def __init__(self, routes: Sequence[FastRoute]) -> None:
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
                scope.update(found, **{paths.TEMPLATE: route.path, ROUTE: route})
                return True
        return False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that was found."""
        request = Request(scope, receive)
        route: FastRoute = scope[ROUTE]
        try:
            body_limits.require_storable_address(request)
            paths.require_known_parameters(request, route.parameters)
            taken = {**paths.texts_in(scope), **route.read_query(request)}
            response: Response = await scope["endpoint"](request, **taken)
        except Exception as error:  # noqa: BLE001  (what nobody answers is raised again)
            response = await errors.answer(request, error)
        await response(scope, receive, send)
