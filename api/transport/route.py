"""The one class of routes, and the one of routers, so that none forgets what holds for all.

What a request passes on its way in, in this order: body limits, exact JSON, Idempotency-Key,
admission. The busiest routes are answered in front of all this (api/transport/fast_path.py), some
of them only where a request is as most are.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request, Response  # noqa: TID251  (what others use is made of it)
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from api.admission.requests import ADMITTED
from api.transport import body_limits
from api.transport.exact_json import load_json
from api.transport.fast_path import FastRoute, takes_all
from api.transport.idempotency import HEADER, answer_once
from api.transport.urls import paths
from api.transport.urls.natural_keys import FoundByName
from api.transport.urls.query import QueryValues, query_parameters
from billing.errors import InvalidInput

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Coroutine[Any, Any, Response]])

WRITING_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
BODY: Final = "fluxrate.body"
"""Where the scope has the body once it was read, for whoever answers the request again."""

ASKS_FOR_MORE: Final = frozenset({HEADER.lower().encode(), b"if-match", b"if-none-match"})
"""Headers by which a write says more than its body does."""


class ExactRequest(Request):
    """A request whose body is bounded, and whose JSON keeps its digits."""

    async def body(self) -> bytes:
        """The bytes of the body, read once. Raises TooLarge."""
        if BODY not in self.scope:
            declared = self.headers.get("content-length")
            self.scope[BODY] = await body_limits.read_within(self.stream(), declared=declared)
        body: bytes = self.scope[BODY]
        self._body = body
        return body

    async def json(self) -> Any:
        """The body, parsed once."""
        if not hasattr(self, "_exact"):
            self._exact = load_json(await self.body())
        return self._exact

    async def keep_to_limits(self) -> bool:
        """Whether there is a document to read; neither it nor the address is beyond bounds.

        Raises TooLarge, InvalidInput, and HTTPException for a body that is not JSON.
        """
        body_limits.require_storable_address(self)
        if self.method not in WRITING_METHODS or not await self.body():
            return False
        body_limits.require_json(self)
        return True


class StrictRoute(APIRoute):
    """A route that takes what it knows, exactly, and does it once under an Idempotency-Key."""

    def get_route_handler(self) -> Handler:
        """The framework's handler behind our steps."""
        body = self.body_field
        is_required = body is not None and body.field_info.is_required()
        answer = self._get_known_handler()

        async def handle(request: Request) -> Response:
            exact = ExactRequest(request.scope, request.receive)
            # Body limits, and what else is wrong with a request before anybody looks into it.
            if await exact.keep_to_limits():
                # Exact JSON, before the framework parses it and answers what it cannot read by 400.
                document = await exact.json()
                require_object(document, is_required=is_required)
                if body is None:
                    require_no_fields(document)
            # Idempotency-Key: what was answered before is not done again.
            # Admission: the router's dependency is the first, so it surrounds the transaction.
            return await answer_once(exact, answer)

        return handle

    def _get_known_handler(self) -> Handler:
        """The framework's handler, given a request whose address is one of this route.

        It answers 422 to query parameters that the route does not have (CONTRACT 97).
        """
        handle = super().get_route_handler()
        known = frozenset(query_parameters(self.dependant))
        template = self.path_format

        async def handle_known(request: Request) -> Response:
            scope = request.scope
            # Before names in the path become ids, which the template could not be told from.
            scope[paths.TEMPLATE] = full_template(scope["path"], template)
            scope["path_params"] = paths.texts_in(scope)
            paths.require_known_parameters(request, known)
            return await handle(request)

        return handle_known

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; once more if a UUID in its path turned out to be a name."""
        try:
            await super().handle(scope, receive, send)
        except FoundByName as known:
            scope["path_params"] = {**scope["path_params"], **known.ids}
            await super().handle(scope, receive, send)


class RawRoute(StrictRoute):
    """A route whose body is bytes that somebody signed: only its size is looked at before."""

    def get_route_handler(self) -> Handler:
        """The framework's handler, given a request with a bounded body.

        Bytes are no document: that they are JSON is for whoever sent them to know.
        """
        answer = self._get_known_handler()

        async def handle(request: Request) -> Response:
            exact = ExactRequest(request.scope, request.receive)
            body_limits.require_storable_address(exact)
            await exact.body()
            return await answer(exact)

        return handle


class Router(APIRouter):
    """A router of strict routes, each of which takes a slot unless ``admission`` is None.

    An operation is called after its function, which reads well in generated clients.
    """

    def __init__(
        self,
        *,
        prefix: str = "",
        tags: Sequence[str] = (),
        admission: Depends | None = ADMITTED,
        route_class: type[StrictRoute] = StrictRoute,
        include_in_schema: bool = True,
    ) -> None:
        super().__init__(
            prefix=prefix,
            tags=[*tags],
            dependencies=[] if admission is None else [admission],
            include_in_schema=include_in_schema,
            route_class=route_class,
            generate_unique_id_function=lambda route: route.name,
        )
        self._fast: list[tuple[str, Callable[..., Any]]] = []
        self._in_front: list[tuple[str, Callable[..., Any], Callable[..., Any]]] = []

    def fast_get(self, path: str, **documented: Any) -> Callable[[Endpoint], Endpoint]:
        """A GET that is answered in front of the framework, which only documents it.

        The endpoint is asynchronous, takes the request, the texts in its path and what it declares
        of the query, and sees itself to what is documented of access.
        """

        def register(endpoint: Endpoint) -> Endpoint:
            self._fast.append((self.prefix + path, endpoint))
            return self.get(path, **documented)(endpoint)

        return register

    def in_front(self, path: str, of: Callable[..., Any]) -> Callable[[Endpoint], Endpoint]:
        """What is answered in front of the framework where a request is as most are.

        ``of`` is the framework's endpoint for the same address, which answers whatever the one in
        front raises LeftToFramework for, and writes that say more than their bodies do.
        """

        def register(endpoint: Endpoint) -> Endpoint:
            self._in_front.append((self.prefix + path, endpoint, of))
            return endpoint

        return register

    def make_fast_routes(self, prefix: str) -> list[FastRoute]:
        """What is answered in front of the framework, under a prefix."""
        routes = [
            FastRoute(
                prefix + path,
                endpoint,
                method=method,
                parameters=QueryValues(path, of).names,
                takes=says_all_in_body if method in WRITING_METHODS else takes_all,
            )
            for path, endpoint, of in self._in_front
            for method in self._methods_of(of)
        ]
        for path, endpoint in self._fast:
            query = QueryValues(path, endpoint)
            routes.append(
                FastRoute(
                    prefix + path,
                    endpoint,
                    method="GET",
                    parameters=query.names,
                    read_query=query.read,
                )
            )
        return routes

    def _methods_of(self, endpoint: Callable[..., Any]) -> list[str]:
        return [
            method
            for route in self.routes
            if isinstance(route, APIRoute) and route.endpoint is endpoint
            for method in sorted(route.methods or ())
        ]


def says_all_in_body(scope: Scope) -> bool:
    """Whether a write says nothing by its query, nor by headers about repeats and tags."""
    return not scope["query_string"] and not any(
        name in ASKS_FOR_MORE for name, _ in scope["headers"]
    )


def full_template(path: str, template: str) -> str:
    """The template with what a prefix puts before it: ``/api/v1/plans/{plan_id}``."""
    before = path.split("/")[: path.count("/") - template.count("/") + 1]
    return "/".join(before) + template


def require_object(document: Any, *, is_required: bool) -> None:
    """Return if a body is an object, or null where none is needed. Source: CONTRACT 97.

    What is no object would else pass for one whose fields are all left out. Raises: InvalidInput.
    """
    if isinstance(document, Mapping) or (document is None and not is_required):
        return
    raise InvalidInput("The body must be a JSON object.", code="invalid_body")


def require_no_fields(document: Any) -> None:
    """Return if a body says nothing. Raises RequestValidationError naming what an operation drops.

    One that takes no body would else lose what somebody meant by it. Source: CONTRACT 6.
    """
    if document:
        raise RequestValidationError(
            [
                {"type": "extra_forbidden", "loc": ("body", name), "msg": "No body is taken here."}
                for name in document
            ]
        )
