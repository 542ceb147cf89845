"""The public pages of invoices: whoever has the link reads one invoice."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.routing import BaseRoute

from console.dependencies import Dependencies
from console.invoices import InvoicePages
from console.place import Place
from services.portal.invoices import Shown
from services.portal.links import find_linked


def make_routes(dependencies: Dependencies) -> list[BaseRoute]:
    """The pages under ``/p/{token}``."""

    async def locate(request: Request) -> Place:
        token = request.path_params["token"]
        linked = await dependencies.work(
            request, partial(find_linked, dependencies.transactions, token)
        )
        shown = Shown(organization_id=linked.organization_id, invoice_id=linked.invoice_id)
        return Place(shown=shown, path=f"/p/{token}")

    return [*InvoicePages(dependencies, locate).routes("/p/{token}")]
