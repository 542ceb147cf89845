"""What mails say: the defaults, and what an organization writes in their place."""

from __future__ import annotations

from fastapi import Response

from api.access.sessions import Manager, ManageSession, Reader, ReadSession
from api.context import ContextDep
from api.schemas.emails import EmailTemplateView, EmailTemplateWrite, view_template
from api.schemas.pages import ListOf
from api.transport.exact_json import respond
from api.transport.route import Router
from billing.invoicing.kinds import DocumentLanguage
from repositories.notifications import templates as stored_templates
from services.mail import templates
from services.mail.templates import TemplateKind

router = Router(prefix="/email-templates", tags=["Mail"])


@router.get("", response_model=ListOf[EmailTemplateView])
def list_email_templates(session: ReadSession, principal: Reader) -> Response:
    """List what mails of every kind and language say."""
    found = stored_templates.list_templates(session, principal.organization_id)
    written = {(one.kind, one.language): one for one in found}
    shown = [
        view_template(kind, language, written.get((kind, language)))
        for kind in TemplateKind
        for language in DocumentLanguage
    ]
    return respond({"data": shown})


@router.put("/{kind}/{language}", response_model=EmailTemplateView)
def update_email_template(
    kind: TemplateKind,
    language: DocumentLanguage,
    body: EmailTemplateWrite,
    session: ManageSession,
    principal: Manager,
    context: ContextDep,
) -> Response:
    """Write what mails of a kind and a language say."""
    organization_id = principal.organization_id
    templates.write_template(
        session, organization_id, kind, language, body.texts(), now=context.now()
    )
    stored = stored_templates.find_template(session, organization_id, kind, language)
    return respond(view_template(kind, language, stored))


@router.delete("/{kind}/{language}", status_code=204)
def reset_email_template(
    kind: TemplateKind,
    language: DocumentLanguage,
    session: ManageSession,
    principal: Manager,
    context: ContextDep,
) -> Response:
    """Let mails of a kind and a language say what they do by default."""
    templates.reset_template(session, principal.organization_id, kind, language, now=context.now())
    return Response(status_code=204)
