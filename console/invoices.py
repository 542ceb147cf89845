"""The pages of one invoice: itself, its file, its verification, and the events of a line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from billing.invoicing.invoices import InvoiceStatus
from console.dependencies import Dependencies
from console.documents import picture_of, values_of, verdict_of
from console.events import event_row, read_position, write_position
from console.language import words_in
from console.place import Place
from console.rendering import Page, answered, policy_for, render
from repositories.usage.events import EventPosition
from services.documents.formats import Formats
from services.documents.layout import page_of
from services.documents.line_rows import Words
from services.documents.text import on_one_line
from services.documents.view import Document
from services.invoicing.proofs import is_computed
from services.portal.invoices import (
    Shown,
    ShownInvoice,
    find_receipt,
    list_counted,
    show_invoice,
)
from services.receipts.verdicts import Verdict

Locate = Callable[[Request], Awaitable[Place]]
Answer = TypeVar("Answer")


class InvoicePages:
    """The pages of the invoice that ``locate`` finds for a request, whose errors it raises."""

    def __init__(self, dependencies: Dependencies, locate: Locate) -> None:
        self._dependencies = dependencies
        self._locate = locate

    def routes(self, path: str) -> list[Route]:
        """The pages under a path."""
        pages = {
            path: self.show,
            f"{path}/pdf": self.show_pdf,
            f"{path}/verify": self.verify,
            f"{path}/lines/{{number:int}}/events": self.list_events,
        }
        return [
            Route(address, answered(self._dependencies, handle))
            for address, handle in pages.items()
        ]

    async def show(self, request: Request) -> Response:
        """The invoice."""
        place = await self._locate(request)
        return await self._work(request, place, partial(self._show, place, None))

    async def show_pdf(self, request: Request) -> Response:
        """The invoice as a file."""
        place = await self._locate(request)
        shown = await self._work(request, place, partial(self._read, place, self._read_invoice))
        content = await self._dependencies.typeset(
            request, shown.document, place.shown.organization_id
        )
        # In a frame it would take the portal's place, with no way back.
        disposition = "inline" if place.token is None else "attachment"
        name = shown.document.number or "draft"
        return Response(
            content,
            media_type="application/pdf",
            headers={
                "Content-Disposition": f'{disposition}; filename="{name}.pdf"',
                "Content-Security-Policy": policy_for(shown.embed_hosts),
                "X-Robots-Tag": "noindex, nofollow",
            },
        )

    async def verify(self, request: Request) -> Response:
        """The invoice with what anybody is told of its receipt."""
        place = await self._locate(request)
        receipt_id = await self._work(request, place, partial(self._read, place, find_receipt))
        told = await self._dependencies.judge(request, receipt_id)
        return await self._work(request, place, partial(self._show, place, told))

    async def list_events(self, request: Request) -> Response:
        """A page of the events that a line counts."""
        place = await self._locate(request)
        number = int(request.path_params["number"])
        after = read_position(request.query_params.get("after"))
        return await self._work(request, place, partial(self._list_events, place, number, after))

    async def _work(self, request: Request, place: Place, do: Callable[[], Answer]) -> Answer:
        return await self._dependencies.work(request, do, party=place.shown.organization_id)

    def _read(self, place: Place, read: Callable[..., Answer]) -> Answer:
        """What is read of the invoice in one transaction."""
        with self._dependencies.transactions.for_organization(
            place.shown.organization_id
        ) as session:
            return read(session, place.shown)

    def _read_invoice(self, session: Session, shown: Shown) -> ShownInvoice:
        return show_invoice(session, shown, public_url=self._dependencies.public_url)

    def _show(self, place: Place, told: Verdict | None) -> Page:
        shown = self._read(place, self._read_invoice)
        language = shown.document.language
        words = words_in(language)
        content = render(
            "invoice.html",
            language=language,
            verdict=told and verdict_on(told, shown.document, words),
            **values_of(shown, words, place),
        )
        return Page(content, embed_hosts=shown.embed_hosts)

    def _list_events(self, place: Place, number: int, after: EventPosition | None) -> Page:
        counted = self._read(place, partial(list_counted, place=number, after=after))
        document = counted.document
        words = words_in(document.language)
        following = counted.following and place.to(
            "lines", str(number), "events", after=write_position(counted.following)
        )
        content = render(
            "events.html",
            language=document.language,
            page=page_of(document, shown=on_one_line),
            logo=picture_of(document.logo),
            line_name=on_one_line(counted.line_name),
            about=words["events_about"].format(timezone=document.timezone),
            has_values=any(one.distinct_value for one in counted.events),
            events=[
                event_row(one, counted.corrections.get(one.id), formats_of(document), words)
                for one in counted.events
            ],
            following=following,
            back=place.to(),
        )
        return Page(content, embed_hosts=counted.embed_hosts)


def verdict_on(told: Verdict, document: Document, words: Words) -> dict[str, str | None]:
    """What anybody is told of an invoice's receipt, with whom to ask about it."""
    kind = told.verdict
    name = "verified_signed" if kind == "equal" and not told.recomputed else f"verified_{kind}"
    lines = sum(is_computed(one.priced) for one in document.lines)
    text = words[name].format(lines=lines, seller=document.seller.name)
    is_void = document.status == InvoiceStatus.VOID
    return verdict_of(told, text, words, timezone=document.timezone, is_void=is_void)


def formats_of(document: Document) -> Formats:
    """How the document writes numbers and days."""
    return Formats(
        language=document.language, currency=document.currency, timezone=document.timezone
    )
