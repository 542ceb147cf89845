"""Routes that answer a request without the framework's machinery, and are documented by it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from api import limits


class DirectRoute(APIRoute):
    """Calls an asynchronous endpoint with the request and the texts in its path, nothing else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, without dependencies, validation and threads."""
        endpoint = self.endpoint

        async def handle_directly(request: Request) -> Response:
            limits.require_storable_address(request)
            response: Response = await endpoint(request, **request.path_params)
            return response

        return handle_directly
