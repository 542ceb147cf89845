"""What customers have in credit, and the ledger that it comes from (docs/concepts/credits.md)."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession
from api.context import ContextDep
from api.schemas.common import Instant
from api.schemas.credits.balances import (
    CreditBalanceView,
    LedgerEntryView,
    view_balance,
    view_ledger,
)
from api.schemas.pages import PartOf
from api.transport.exact_json import respond
from api.transport.pagination import read_sequence_cursor, write_sequence_cursor
from api.transport.route import Router
from services.credits import balances
from services.rating import accruing

router = Router(tags=["Credits"])

OfUnit = Annotated[
    str | None,
    Query(
        max_length=40,
        description="The unit's code, or a currency; absent for the organization's currency.",
    ),
]

SHOWN: Final = 20
"""How many movements are shown unless somebody asks for more or fewer."""


@router.get("/customers/{customer_id}/balance", response_model=CreditBalanceView)
def get_credit_balance(
    customer_id: UUID,
    session: ReadSession,
    principal: Reader,
    context: ContextDep,
    unit: OfUnit = None,
    at: Annotated[Instant | None, Query(description="Another instant than now.")] = None,
) -> Response:
    """Show what a customer has in a unit, now or at an instant."""
    found = balances.read_balance(
        session,
        principal.organization_id,
        customer_id,
        unit,
        at=at,
        look_at_accruing=accruing.find_accruing,
        now=context.now(),
    )
    return respond(view_balance(found))


@router.get("/customers/{customer_id}/ledger", response_model=PartOf[LedgerEntryView])
def list_ledger(
    customer_id: UUID,
    session: ReadSession,
    principal: Reader,
    unit: OfUnit = None,
    page_size: Annotated[int, Query(ge=1, le=100)] = SHOWN,
    cursor: Annotated[
        str | None, Query(max_length=200, description="``meta.next_cursor`` of the part before.")
    ] = None,
) -> Response:
    """List what moved a customer's credit in a unit, oldest first."""
    found = balances.read_ledger(
        session,
        principal.organization_id,
        customer_id,
        unit,
        after=0 if cursor is None else read_sequence_cursor(cursor)[1],
        limit=page_size,
    )
    last = found.next_after
    next_cursor = None if last is None else write_sequence_cursor("", last)
    return respond(view_ledger(found, page_size=page_size, next_cursor=next_cursor))
