"""Answers that wait a moment for a payment link, after the commit and outside of any transaction.

Source: CONTRACT 29, 56; docs/decisions/0043.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import Request, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from api.context import AppContext, state_of
from api.transport.exact_json import load_json, respond
from api.transport.idempotency import keep_completed
from api.transport.route import Handler, StrictRoute
from billing.errors import IntegrationError, InvalidInput, Unavailable
from billing.payments.gateways import OUTBOUND_OFF
from billing.payments.states import LinkStatus
from models.invoicing.invoices import Invoice
from models.payments.links import PaymentLink
from repositories.payments import links as stored_links
from services.payments import links

LINK_SECONDS: Final = 4.0
"""How long an answer waits for a gateway; what takes longer is done by a relay."""

AGAIN_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Awaited:
    organization_id: UUID
    invoice_id: UUID


class LinkedRoute(StrictRoute):
    """A route whose answer names a link that is in the making, if it is made within seconds."""

    def get_route_handler(self) -> Handler:
        """The handler, whose answer waits."""
        handle = super().get_route_handler()

        async def handle_linked(request: Request) -> Response:
            response = await handle(request)
            awaited: _Awaited | None = getattr(request.state, "awaited_link", None)
            if awaited is None or response.status_code >= 300:
                return response
            return _Waiting(request, response, awaited)

        return handle_linked


class _Waiting(Response):
    """An answer that is completed when it is sent: then its transaction is committed."""

    def __init__(self, request: Request, response: Response, awaited: _Awaited) -> None:
        super().__init__(response.body, response.status_code, media_type=response.media_type)
        self._request = request
        self._response = response
        self._awaited = awaited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, with the link if there is one by now."""
        answer = self._response
        if (url := await _make(self._request, self._awaited)) is not None:
            shown = {**load_json(bytes(answer.body)), "payment_link": url}
            answer = respond(shown, answer.status_code)
            transactions = state_of(self._request.app).context.transactions
            await run_in_threadpool(keep_completed, self._request, transactions, answer)
        await answer(scope, receive, send)


def await_link(request: Request, session: Session, invoice: Invoice) -> None:
    """The answer waits for the invoice's link, if it is about to have one."""
    if links.is_making(session, invoice):
        request.state.awaited_link = _Awaited(
            organization_id=invoice.organization_id, invoice_id=invoice.id
        )


async def _make(request: Request, awaited: _Awaited) -> str | None:
    """Where the invoice can be paid, None if nobody knows yet.

    A relay may ask at the same time, by the same key: whoever is first opens the link.
    """
    context = state_of(request.app).context
    try:
        async with asyncio.timeout(LINK_SECONDS):
            while link := await run_in_threadpool(_find, context, awaited):
                if link.status == LinkStatus.OPEN:
                    return link.url
                try:
                    return await context.desk.open_link(
                        awaited.organization_id, link.id, run_in_threadpool
                    )
                except Unavailable as away:
                    if away.code == OUTBOUND_OFF:
                        return None
                    await asyncio.sleep(AGAIN_SECONDS)
    except (TimeoutError, IntegrationError, InvalidInput):
        # The invoice is final either way; whoever does what is left says what became of it.
        pass
    return None


def _find(context: AppContext, awaited: _Awaited) -> PaymentLink | None:
    with context.transactions.for_organization(awaited.organization_id) as session:
        return stored_links.find_live(session, awaited.organization_id, awaited.invoice_id)
