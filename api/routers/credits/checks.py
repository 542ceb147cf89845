"""Whether the ledger of credit adds up (docs/concepts/credits.md)."""

from __future__ import annotations

from fastapi import Response

from api.access.sessions import Reader, ReadSession
from api.schemas.credits.checks import CreditCheckView, view_check
from api.transport.exact_json import respond
from api.transport.route import Router
from services.credits.checks import check_credits

router = Router(tags=["Credits"])


@router.get("/audit/credits", response_model=CreditCheckView)
def get_credit_check(session: ReadSession, principal: Reader) -> Response:
    """Show whether every balance of credit is the sum of its movements, each of them once."""
    return respond(view_check(check_credits(session, principal.organization_id)))
