"""The portal of a customer: opened by a widget token, framed by the hosts that are named."""

from __future__ import annotations

from functools import partial
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from billing.errors import NotFound
from console.account import values_of
from console.dependencies import Dependencies
from console.invoices import InvoicePages
from console.place import Place
from console.rendering import Handler, Page, answered, refuse_ended, render
from services.accounts.credentials import WidgetClaims
from services.portal.account import Account, read_account
from services.portal.invoices import Shown
from services.portal.tokens import find_framers, read_token
from services.required import not_found

TOKEN: Final = "token"  # noqa: S105  (the name of a parameter)
MOST_PAGES: Final = 1_000
MOST_POLICIES: Final = 1_000
POLICY: Final = "Content-Security-Policy"


class Portal:
    """The pages under ``/embed``."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._policies: dict[UUID, str] = {}

    def routes(self) -> list[BaseRoute]:
        """The account, and each of its invoices."""
        invoices = InvoicePages(self._dependencies, self.locate)
        pages = [
            Route("/embed", answered(self._dependencies, self.show)),
            *invoices.routes("/embed/invoices/{invoice_id}"),
        ]
        return [Route(page.path, self._framed(page.endpoint)) for page in pages]

    def _framed(self, handle: Handler) -> Handler:
        """The handler, whose refusals a frame shows too.

        What is refused because its token has ended says so; the frame may have been open for long.
        """
        dependencies = self._dependencies

        async def answer(request: Request) -> Response:
            found = await handle(request)
            token = request.query_params.get(TOKEN, "")
            claims = self._find_claims(token)
            if claims is not None:
                self._agree_on_framers(claims.organization_id, found)
            if claims is not None or found.status_code != 404:
                return found
            find = partial(find_framers, dependencies.transactions, dependencies.security, token)
            hosts = await dependencies.work(request, find)
            return found if hosts is None else refuse_ended(request, hosts)

        return answer

    def _agree_on_framers(self, organization_id: UUID, found: Response) -> None:
        """A refusal has the policy of the organization's last page, without asking the database."""
        if found.status_code != 200:
            found.headers[POLICY] = self._policies.get(organization_id, found.headers[POLICY])
            return
        self._policies.pop(organization_id, None)
        self._policies[organization_id] = found.headers[POLICY]
        if len(self._policies) > MOST_POLICIES:
            del self._policies[next(iter(self._policies))]

    def _find_claims(self, token: str) -> WidgetClaims | None:
        try:
            return read_token(self._dependencies.security, token, now=self._dependencies.now())
        except NotFound:
            return None

    async def show(self, request: Request) -> Response:
        """The account, with a page of its invoices."""
        claims = self._require_token(request)
        page = _read_page(request)
        dependencies = self._dependencies
        account = await dependencies.work(
            request,
            partial(self._read, claims, page),
            party=claims.organization_id,
            computes=True,
        )
        entitlements = await dependencies.list_entitlements(
            request, claims.organization_id, claims.customer_id
        )
        token = request.query_params[TOKEN]
        values = values_of(account, entitlements, token=token, page=page)
        content = render("account.html", language=account.language, **values)
        return Page(content, embed_hosts=account.embed_hosts)

    async def locate(self, request: Request) -> Place:
        """The customer's invoice that the path names; whether it is theirs, its reader decides."""
        claims = self._require_token(request)
        try:
            invoice_id = UUID(request.path_params["invoice_id"])
        except ValueError as error:
            raise not_found("Page") from error
        shown = Shown(
            organization_id=claims.organization_id,
            invoice_id=invoice_id,
            customer_id=claims.customer_id,
        )
        return Place(
            shown=shown,
            path=f"/embed/invoices/{invoice_id}",
            token=request.query_params[TOKEN],
        )

    def _require_token(self, request: Request) -> WidgetClaims:
        token = request.query_params.get(TOKEN, "")
        return read_token(self._dependencies.security, token, now=self._dependencies.now())

    def _read(self, claims: WidgetClaims, page: int) -> Account:
        transactions = self._dependencies.transactions
        with transactions.for_organization(claims.organization_id) as session:
            return read_account(session, claims, invoice_page=page, now=self._dependencies.now())


def _read_page(request: Request) -> int:
    """Which page of invoices is asked for. Raises NotFound for one that cannot be."""
    text = request.query_params.get("page", "1")
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 0 < int(text) <= MOST_PAGES):
        raise not_found("Page")
    return int(text)
