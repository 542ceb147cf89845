"""The query of a request, read as an endpoint declares it, without the framework's dependencies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant, request_params_to_args
from fastapi.exceptions import RequestValidationError


class QueryValues:
    """What an endpoint takes of the query, by the names of its parameters.

    A parameter is a value of the query, or depends on an asynchronous function of such values, as
    ``PageDep`` does. Whatever else a function may depend on is for routes of the framework.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any]) -> None:
        self._dependant = get_dependant(path=path, call=endpoint)
        self.names = frozenset(query_parameters(self._dependant))

    async def read(self, request: Request) -> dict[str, Any]:
        """The arguments. Raises RequestValidationError in the framework's words."""
        if not self.names:
            return {}
        values, errors = await _read(self._dependant, request)
        if errors:
            raise RequestValidationError(errors)
        return values


def query_parameters(dependant: Dependant) -> set[str]:
    """The names of all query parameters of a route, those of what it depends on included."""
    names = {field.alias for field in dependant.query_params}
    return names.union(*(query_parameters(one) for one in dependant.dependencies))


async def _read(dependant: Dependant, request: Request) -> tuple[dict[str, Any], list[Any]]:
    values, errors = request_params_to_args(dependant.query_params, request.query_params)
    for one in dependant.dependencies:
        inner, inner_errors = await _read(one, request)
        errors = [*errors, *inner_errors]
        if not errors and one.name is not None and one.call is not None:
            values[one.name] = await one.call(**inner)
    return values, errors
