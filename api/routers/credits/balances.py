"""What customers have in credit, and the ledger that it comes from (docs/concepts/credits.md)."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Request, Response

from api.access.sessions import Reader, ReadSession
from api.context import ContextDep, state_of
from api.reads.fast_reads import admit_in_front
from api.schemas.common import Instant
from api.schemas.credits.balances import (
    CreditBalanceView,
    LedgerEntryView,
    view_balance,
    view_ledger,
    view_lots,
)
from api.schemas.pages import PartOf
from api.transport.exact_json import dump_json, respond
from api.transport.fast_path import LeftToFramework
from api.transport.pagination import read_sequence_cursor, write_sequence_cursor
from api.transport.route import Router
from api.transport.urls.natural_keys import read_id
from repositories.entitlements.balances import HELD_LOTS, HoldingAsked
from services.credits import balances
from services.rating import accruing

router = Router(tags=["Credits"])

LONGEST_UNIT: Final = 40

OfUnit = Annotated[
    str | None,
    Query(
        max_length=LONGEST_UNIT,
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


@router.in_front("/customers/{customer_id}/balance", get_credit_balance)
async def read_credit_balance(request: Request, customer_id: str) -> Response:
    """Show what a customer has by one statement for all who ask at the moment.

    Where unbilled usage draws on it, and whatever else is asked, is left to
    :func:`get_credit_balance`.
    """
    state, identifier = state_of(request.app), read_id(customer_id)
    unit = request.query_params.get("unit")
    is_plain = "at" not in request.query_params
    if identifier is None or not is_plain or len(unit or "") > LONGEST_UNIT:
        raise LeftToFramework
    organization_id = await admit_in_front(request)
    code = None if unit is None else unit.strip().upper()
    asked = HoldingAsked(identifier, code, state.context.now())
    found = await state.batched_balances.ask(organization_id, asked)
    if found is None:
        raise LeftToFramework
    moment = dump_json({"unit": found.unit.code, "at": found.at})
    sums = state.written_views.write(HELD_LOTS, view_lots, found.document)
    return Response(moment[:-1] + b"," + sums[1:], media_type="application/json")


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
