"""What can be read under an address, for whoever writes there or below it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlmodel import Session

from api.access.principal import Principal
from api.transport.urls.natural_keys import read_id
from billing.errors import NotFound

EDITS: Final = frozenset({"PATCH", "PUT"})
WITHIN: Final = "fluxrate.within"
"""Where the scope has the open transaction that a read in front of the framework looks into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """A transaction to look into, with what it has changed and not yet committed."""

    session: Session
    principal: Principal
    context: object


@dataclass(frozen=True, kw_only=True)
class Resource:
    """Something that can be read under an address of its own, by the route that shows it."""

    template: str
    endpoint: Callable[..., Any]

    @property
    def parameter(self) -> str:
        """What its address calls it; empty for the one thing of its kind."""
        last = self.template.rpartition("/")[2]
        return last[1:-1] if last.startswith("{") else ""

    @cached_property
    def _parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.endpoint).parameters)

    def show(self, request: Request, within: Within) -> bytes:
        """What its own GET would answer if the transaction were committed now.

        Raises NotFound.
        """
        within.session.flush()
        # What was written is read back: a column may keep another form of a value than was given.
        within.session.expire_all()
        known: dict[str, Any] = {
            "session": within.session,
            "principal": within.principal,
            "context": within.context,
            "request": Request({**request.scope, WITHIN: within}),
        }
        is_direct = inspect.iscoroutinefunction(self.endpoint)
        for name, text in request.path_params.items():
            known[name] = text if is_direct else _require_id(text)
        answer = self.endpoint(**{name: known[name] for name in self._parameters})
        response: Response = _finish(answer) if is_direct else answer
        return bytes(response.body)

    def find_id(self, request: Request) -> UUID | None:
        """The id in the address, None if what stands there can be none."""
        return read_id(str(request.path_params.get(self.parameter, "")))


def _require_id(text: str) -> UUID:
    identifier = read_id(text)
    if identifier is None:
        raise NotFound("Nothing has such an id.")
    return identifier


def list_resources(routes: Iterable[APIRoute], prefix: str) -> Mapping[str, Resource]:
    """Those that have an address of their own: an id, or one that takes edits; no lists."""
    listed = list(routes)
    edited = {route.path for route in listed if EDITS & (route.methods or set())}
    found = [
        Resource(template=prefix + route.path, endpoint=route.endpoint)
        for route in listed
        if "GET" in (route.methods or ()) and (route.path.endswith("}") or route.path in edited)
    ]
    return {one.template: one for one in found}


def find_resource(resources: Mapping[str, Resource], template: str) -> Resource | None:
    """What is read under this address, or else under the nearest above it where something is."""
    while template:
        if template in resources:
            return resources[template]
        template = template.rpartition("/")[0]
    return None


def _finish(reading: Coroutine[Any, Any, Response]) -> Response:
    """The answer of a read that waits for nothing, since it has its transaction already."""
    try:
        reading.send(None)
    except StopIteration as done:
        response: Response = done.value
        return response
    reading.close()
    raise TypeError("A read within a transaction waits for nothing.")
