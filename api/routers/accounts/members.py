"""Members of the organization and invitations to it (CONTRACT 103).

Members are the organization's own: acting for its sandbox, it is them that one sees and changes.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy import event

from api.access.principal import Principal
from api.access.sessions import MemberManager, MemberSession
from api.context import ContextDep
from api.schemas.accounts.members import (
    InvitationCreate,
    InvitationView,
    MemberPatch,
    MemberView,
    SentInvitationView,
    view_invitation,
    view_member,
)
from api.schemas.pages import PageOf
from api.transport.exact_json import dump_json, respond
from api.transport.idempotency import keep_instead
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from models.accounts.invitations import Invitation
from repositories.accounts import invitations as stored_invitations
from repositories.accounts import users as stored_users
from services.accounts.roles import ROLES, read_role
from services.members import invitations, members
from services.members.links import join_link
from services.members.members import Changer

router = Router(tags=["Members"])


@router.get("/members", response_model=PageOf[MemberView])
def list_members(
    session: MemberSession,
    principal: MemberManager,
    page: PageDep,
    role: Annotated[
        str | None, Query(max_length=20, description=f"One of {', '.join(ROLES)}.")
    ] = None,
) -> Response:
    """List the people of the organization, oldest first."""
    found, total = stored_users.list_members(
        session,
        principal.organization_id,
        role=None if role is None else read_role(role),
        offset=page.offset,
        limit=page.size,
    )
    return respond(envelope([view_member(one) for one in found], page, total))


@router.get("/members/{member_id}", response_model=MemberView)
def get_member(member_id: UUID, session: MemberSession, principal: MemberManager) -> Response:
    """Show a member."""
    found = members.require_member(session, principal.organization_id, member_id)
    return respond(view_member(found))


@router.patch("/members/{member_id}", response_model=MemberView)
def update_member(
    member_id: UUID,
    body: MemberPatch,
    session: MemberSession,
    principal: MemberManager,
    context: ContextDep,
) -> Response:
    """Give a member another role: it holds from their next request.

    Admins give and take every role but `owner`. What a member invited to a role that they may not
    give any more is revoked. An organization keeps an owner.
    """
    changed = members.change_role(
        session,
        principal.organization_id,
        member_id,
        role=body.role,
        by=_changer(principal),
        now=context.now(),
    )
    event.listen(session, "after_commit", lambda _: context.key_cache.forget(member_id))
    return respond(view_member(changed))


@router.delete("/members/{member_id}", status_code=204)
def remove_member(
    member_id: UUID, session: MemberSession, principal: MemberManager, context: ContextDep
) -> Response:
    """Remove a member, or leave: their sessions end at once, what they invited is revoked.

    What they did stays in the audit log, and so do the API keys that they made. An organization
    keeps an owner.
    """
    members.remove_member(
        session,
        principal.organization_id,
        member_id,
        by=_changer(principal),
        now=context.now(),
    )
    event.listen(session, "after_commit", lambda _: context.key_cache.forget(member_id))
    return Response(status_code=204)


@router.delete("/members/{member_id}/sessions", status_code=204)
def end_member_sessions(
    member_id: UUID, session: MemberSession, principal: MemberManager, context: ContextDep
) -> Response:
    """Log a member out everywhere: all tokens of their sessions are refused at once.

    For a lost laptop. They stay a member and may log in again; API keys go on.
    """
    ended = members.end_sessions_of(
        session, principal.organization_id, member_id, by=_changer(principal), now=context.now()
    )

    def forget(_: object) -> None:
        for one in ended:
            context.key_cache.forget(one)

    event.listen(session, "after_commit", forget)
    return Response(status_code=204)


@router.post("/invitations", status_code=201, response_model=SentInvitationView)
def create_invitation(
    body: InvitationCreate,
    request: Request,
    session: MemberSession,
    principal: MemberManager,
    context: ContextDep,
) -> Response:
    """Invite somebody: the link is good once and for a week, and mailed where mails can be sent."""
    invitation, token = invitations.invite(
        session,
        principal.organization_id,
        body.command(),
        by=_changer(principal),
        security=context.security,
        now=context.now(),
    )
    return _show_link(request, context, invitation, token, 201)


@router.get("/invitations", response_model=PageOf[InvitationView])
def list_invitations(
    session: MemberSession, principal: MemberManager, page: PageDep, context: ContextDep
) -> Response:
    """List invitations, those that are over included, oldest first."""
    found, total = stored_invitations.list_invitations(
        session, principal.organization_id, offset=page.offset, limit=page.size
    )
    shown = [view_invitation(one, now=context.now()) for one in found]
    return respond(envelope(shown, page, total))


@router.get("/invitations/{invitation_id}", response_model=InvitationView)
def get_invitation(
    invitation_id: UUID, session: MemberSession, principal: MemberManager, context: ContextDep
) -> Response:
    """Show an invitation."""
    found = invitations.require_invitation(
        stored_invitations.find_invitation(session, principal.organization_id, invitation_id)
    )
    return respond(view_invitation(found, now=context.now()))


@router.post("/invitations/{invitation_id}/resend", response_model=SentInvitationView)
def resend_invitation(
    invitation_id: UUID,
    request: Request,
    session: MemberSession,
    principal: MemberManager,
    context: ContextDep,
) -> Response:
    """Make a new link, good for a week; the one before opens nothing any more."""
    invitation, token = invitations.resend(
        session,
        principal.organization_id,
        invitation_id,
        by=_changer(principal),
        security=context.security,
        now=context.now(),
    )
    return _show_link(request, context, invitation, token, 200)


@router.delete("/invitations/{invitation_id}", status_code=204)
def revoke_invitation(
    invitation_id: UUID, session: MemberSession, principal: MemberManager, context: ContextDep
) -> Response:
    """Revoke an invitation: its link opens nothing any more."""
    invitations.revoke(
        session,
        principal.organization_id,
        invitation_id,
        by=_changer(principal),
        now=context.now(),
    )
    return Response(status_code=204)


def _changer(principal: Principal) -> Changer:
    assert principal.user_id is not None, "managers are people in sessions"
    return Changer(user_id=principal.user_id, role=principal.role)


def _show_link(
    request: Request, context: ContextDep, invitation: Invitation, token: str, status_code: int
) -> Response:
    shown = view_invitation(invitation, now=context.now())
    keep_instead(request, dump_json(shown))
    link = join_link(context.public_url, token)
    return respond(SentInvitationView(**shown.model_dump(), link=link), status_code)
