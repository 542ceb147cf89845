"""Rules that grant credit again and again (docs/concepts/credits.md)."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from api.access.sessions import READS_BILLING, Writer, WriteSession
from api.context import ContextDep
from api.reads.fast_reads import read_one, show_page
from api.schemas.credits.grant_rules import GrantRuleCreate, GrantRuleView, view_grant_rule
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep
from api.transport.route import Router
from repositories.credits.grant_rules import RULE_PAGES
from repositories.customers import CUSTOMERS
from services.purchases import recurring

router = Router(prefix="/customers/{customer_id}/grant-rules", tags=["Credits"])


@router.post("", status_code=201, response_model=GrantRuleView)
def create_grant_rule(
    customer_id: UUID,
    body: GrantRuleCreate,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Grant a customer credit again and again, from an anchor on."""
    created = recurring.create_rule(
        session, principal.organization_id, customer_id, body.command(), now=context.now()
    )
    return respond(view_grant_rule(created), 201)


@router.fast_get("", response_model=PageOf[GrantRuleView], dependencies=[READS_BILLING])
async def list_grant_rules(request: Request, customer_id: str, page: PageDep) -> Response:
    """List a customer's rules that grant credit, oldest first, ended ones too."""
    customer = await read_one(request, CUSTOMERS, "customer_id", customer_id)
    return await show_page(request, RULE_PAGES, view_grant_rule, page, customer_id=customer.id)


@router.delete("/{grant_rule_id}", status_code=204)
def end_grant_rule(
    customer_id: UUID,
    grant_rule_id: UUID,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """End a rule: nothing is granted from now on, and what was granted stays."""
    recurring.end_rule(
        session, principal.organization_id, customer_id, grant_rule_id, now=context.now()
    )
    return Response(status_code=204)
