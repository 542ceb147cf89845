"""Who is in a session, found out in a place that is given back before anything slow happens."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from api.access.authentication import claimed_organization
from api.access.principal import Principal
from api.access.sessions import get_person
from api.admission.requests import leaving_of
from api.admission.slots import VISITORS
from api.context import ContextDep, state_of
from billing.errors import Unauthenticated


async def get_person_in_turn(request: Request, context: ContextDep) -> Principal:
    """Anybody in a session, for routes that wait for a password to be compared.

    The route watches its caller. Raises Unauthenticated, Forbidden, Unavailable.
    """
    try:
        party = claimed_organization(request, context) or VISITORS
    except Unauthenticated:
        party = VISITORS
    async with state_of(request.app).slots.all.admit(party, leaving=leaving_of(request)):
        return await get_person(request, context)


PersonInTurn = Annotated[Principal, Depends(get_person_in_turn)]
