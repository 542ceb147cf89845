"""Every page, for whoever composes a process."""

from __future__ import annotations

from starlette.routing import BaseRoute

from console import assets, public, receipts
from console.portal import Portal
from console.surroundings import Surroundings


def make_routes(surroundings: Surroundings) -> list[BaseRoute]:
    """The routes of all pages and of what they load."""
    return [
        *assets.make_routes(),
        *public.make_routes(surroundings),
        *receipts.make_routes(surroundings),
        *Portal(surroundings).routes(),
    ]
