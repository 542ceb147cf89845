"""Routes that refuse what they do not know: query parameters, and bodies that are no object."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.transport import paths
from billing.errors import InvalidInput

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """A route that answers 422 to query parameters which it does not have (CONTRACT 97)."""

    def get_route_handler(self) -> Handler:
        """The handler, given a request whose address is one of this route."""
        handle = super().get_route_handler()
        known = frozenset(query_parameters(self.dependant))
        template = self.path_format

        async def handle_strictly(request: Request) -> Response:
            scope = request.scope
            # Before names in the path become ids, which the template could not be told from.
            scope[paths.TEMPLATE] = full_template(scope["path"], template)
            scope["path_params"] = paths.texts_in(scope)
            paths.require_known_parameters(request, known)
            return await handle(request)

        return handle_strictly


def query_parameters(dependant: Dependant) -> set[str]:
    """The names of all query parameters of a route, those of what it depends on included."""
    names = {field.alias for field in dependant.query_params}
    return names.union(*(query_parameters(one) for one in dependant.dependencies))


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
