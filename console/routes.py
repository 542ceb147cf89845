"""Every page, for whoever composes a process."""

from __future__ import annotations

from starlette.routing import BaseRoute

from console import assets, public, receipts
from console.dependencies import Dependencies
from console.joining import page as joining
from console.portal import Portal
from console.start import page as start
from console.workspace import routes as workspace


def make_routes(dependencies: Dependencies) -> list[BaseRoute]:
    """The routes of all pages and of what they load."""
    return [
        *assets.make_routes(),
        *start.make_routes(dependencies),
        *joining.make_routes(dependencies),
        *public.make_routes(dependencies),
        *receipts.make_routes(dependencies),
        *Portal(dependencies).routes(),
        *workspace.make_routes(dependencies),
    ]
