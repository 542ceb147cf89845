"""Everything by name, number, external id or id."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession
from api.schemas.found.search import FoundListView, view_found
from api.transport.exact_json import respond
from api.transport.refused.forms import STORABLE_WORDS
from api.transport.route import Router
from repositories import search

router = Router(tags=["Search"])

EVENTS: Final = "usage.read"
"""What it takes to be shown events."""


@router.get("/search", response_model=FoundListView)
def search_everything(
    session: ReadSession,
    principal: Reader,
    q: Annotated[
        str,
        Query(
            max_length=200,
            pattern=STORABLE_WORDS,
            description="A name or a part of it, or how a number, a code, a key or an id begins.",
        ),
    ],
) -> Response:
    """Find customers, subscriptions, invoices, payments, plans, meters, coupons and events."""
    found = search.find_everything(
        session, principal.organization_id, q.strip(), with_events=principal.reaches(EVENTS)
    )
    return respond(FoundListView(data=[view_found(one) for one in found]))
