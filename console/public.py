"""The public pages of invoices: whoever has the link reads one invoice."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.routing import BaseRoute

from console.invoices import InvoicePages
from console.place import Place
from console.surroundings import Surroundings
from services.portal.invoices import Shown
from services.portal.links import find_linked


def make_routes(surroundings: Surroundings) -> list[BaseRoute]:
    """The pages under ``/p/{token}``."""

    async def locate(request: Request) -> Place:
        token = request.path_params["token"]
        linked = await surroundings.work(
            request, partial(find_linked, surroundings.transactions, token)
        )
        shown = Shown(organization_id=linked.organization_id, invoice_id=linked.invoice_id)
        return Place(shown=shown, path=f"/p/{token}")

    return [*InvoicePages(surroundings, locate).routes("/p/{token}")]
