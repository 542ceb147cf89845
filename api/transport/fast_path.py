"""A fast path for the busiest routes, in front of the framework, which costs more than they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.transport import body_limits, errors
from api.transport.urls import paths
from api.transport.urls.sections import section_of

METHODS: Final = ("GET", "POST")
"""Any other method is the framework's to refuse; HEAD comes as GET."""

ROUTE: Final = "fluxrate.route"
"""Where the scope has the route that was found."""


class LeftToFramework(Exception):
    """The endpoint in front has done nothing, and the framework answers the request instead."""


async def _read_nothing(_request: Request) -> Mapping[str, Any]:
    """The endpoint reads its query itself."""
    return {}


def takes_all(_scope: Scope) -> bool:
    """Whatever has its address is the route's."""
    return True


class FastRoute(Route):
    """A route that is found without the framework, with the query parameters that it takes.

    ``read_query`` gives the arguments that come of them. What ``takes`` says no to is not the
    route's; where the framework has the route too, its endpoint may raise LeftToFramework.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        method: str,
        parameters: frozenset[str] = frozenset(),
        read_query: Callable[[Request], Awaitable[Mapping[str, Any]]] = _read_nothing,
        takes: Callable[[Scope], bool] = takes_all,
    ) -> None:
        super().__init__(path, endpoint, methods=[method], include_in_schema=False)
        self.parameters = parameters
        self.read_query = read_query
        self.takes = takes


class FastRoutes:
    """Calls an asynchronous endpoint with the request, the texts in its path and what it takes.

    No dependencies, no validation, no threads, none of the framework's middleware. ``behind`` is
    the framework without what surrounds both.
    """

    def __init__(self, routes: Sequence[FastRoute]) -> None:
        self.behind: ASGIApp | None = None
        self._routes: dict[tuple[str, str], list[FastRoute]] = {}
        for route in routes:
            for method in (route.methods or set()).intersection(METHODS):
                self._routes.setdefault((method, section_of(route.path)), []).append(route)

    def find(self, scope: Scope) -> bool:
        """Whether one of them answers the request; the scope says then which."""
        if scope["type"] != "http":
            return False
        # An address is compared with the few of its section, and with none where there are none.
        for route in self._routes.get((scope["method"], section_of(scope["path"])), ()):
            match, found = route.matches(scope)
            if match is Match.FULL and route.takes(scope):
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
            taken = {**paths.texts_in(scope), **await route.read_query(request)}
            response: Response = await scope["endpoint"](request, **taken)
        except LeftToFramework:
            await self._leave(request.app, scope, receive, send)
            return
        except Exception as error:  # noqa: BLE001  (what nobody answers is raised again)
            response = await errors.answer(request, error)
        await response(scope, receive, send)

    async def _leave(self, app: FastAPI, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the framework answer; what surrounds both is around it already."""
        if self.behind is None:
            # It is put together when it is first asked, and tells where it begins then.
            app.middleware_stack = app.build_middleware_stack()
        assert self.behind is not None
        await self.behind(scope, receive, send)


class Framework:
    """The innermost of what surrounds the framework: the front knows by it where that begins."""

    def __init__(self, app: ASGIApp, *, front: FastRoutes) -> None:
        self._app = front.behind = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the framework does."""
        await self._app(scope, receive, send)
