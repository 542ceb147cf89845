"""Rules that grant credit again and again (docs/concepts/credits.md)."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.credits.grant_rules import GrantRuleCreate, GrantRuleView, view_grant_rule
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from services.credits.recurring import rules
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


@router.get("", response_model=PageOf[GrantRuleView])
def list_grant_rules(
    customer_id: UUID, session: ReadSession, principal: Reader, page: PageDep
) -> Response:
    """List a customer's rules that grant credit, oldest first, ended ones too."""
    found, total = rules.list_rules(
        session, principal.organization_id, customer_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_grant_rule(one) for one in found], page, total))


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
