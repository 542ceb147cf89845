"""The page at ``/``: what this is, and where to go from here. It is in English, as the docs are."""

from __future__ import annotations

from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from billing.invoicing.kinds import DocumentLanguage
from console.dependencies import Dependencies
from console.receipts import KEYS_ADDRESS
from console.rendering import Page, answered, render


def make_routes(dependencies: Dependencies) -> list[BaseRoute]:
    """The page under ``/``."""

    async def show(_request: Request) -> Response:
        content = render(
            "start.html",
            language=DocumentLanguage.ENGLISH,
            is_quiet=dependencies.is_quiet,
            version=version("fluxrate"),
            api_url=f"{dependencies.public_url.rstrip('/')}/api/v1",
            temporal_links=dependencies.link_temporal(),
            keys_address=KEYS_ADDRESS,
        )
        return Page(content)

    return [Route("/", answered(dependencies, show))]
