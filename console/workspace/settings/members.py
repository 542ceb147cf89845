"""Members: who they are, in which role, and who is invited."""

from __future__ import annotations

import asyncio
from typing import Final

from console.workspace.actions import ONCE, Action, Entry, Field
from console.workspace.asking import Member
from console.workspace.frame import Screen
from console.workspace.lists import turn
from services.accounts.roles import MANAGE, ROLES

MEMBERS: Final = "/members"
ROLE: Final = Field(
    name="role", title="Role", entry=Entry.CHOICE, choices=tuple(ROLES), value="read_only"
)
MANY: Final = 100
PENDING: Final = "open"
"""The state of an invitation whose link is good."""

INVITE: Final = Action(
    title="Invite",
    path="/members/invite",
    call="/invitations",
    back=MEMBERS,
    needs=MANAGE,
    fields=(Field(name="email", title="Email", is_required=True), ROLE),
    shown={"email": "Invited", "role": "Role", "link": "The link, which is mailed where mail is"},
    note=ONCE,
)
CHANGE_ROLE: Final = Action(
    title="Change role",
    path="/members/{id}/role",
    call="/members/{id}",
    back=MEMBERS,
    needs=MANAGE,
    method="PATCH",
    fields=(ROLE,),
)
LOG_OUT: Final = Action(
    title="Log out everywhere",
    path="/members/{id}/log-out",
    call="/members/{id}/sessions",
    back=MEMBERS,
    needs=MANAGE,
    method="DELETE",
)
REMOVE: Final = Action(
    title="Remove",
    path="/members/{id}/remove",
    call="/members/{id}",
    back=MEMBERS,
    needs=MANAGE,
    method="DELETE",
    confirms=True,
    is_grave=True,
)
RESEND: Final = Action(
    title="New link",
    path="/members/invitations/{id}/resend",
    call="/invitations/{id}/resend",
    back=MEMBERS,
    needs=MANAGE,
    shown={"email": "Invited", "link": "The new link; the one before opens nothing any more"},
    note=ONCE,
)
WITHDRAW: Final = Action(
    title="Withdraw",
    path="/members/invitations/{id}/withdraw",
    call="/invitations/{id}",
    back=MEMBERS,
    needs=MANAGE,
    method="DELETE",
    confirms=True,
    is_grave=True,
)
ACTIONS: Final = (INVITE, CHANGE_ROLE, LOG_OUT, REMOVE, RESEND, WITHDRAW)


async def show_members(member: Member) -> Screen:
    """Who belongs to the organization, who is invited, and what can be done about either."""
    members, invitations = await asyncio.gather(
        turn(member, "/members", name="members_page"),
        turn(member, "/invitations", name="invitations_page", page_size=MANY),
    )
    return Screen(
        template="members.html",
        title="Members",
        values={
            "members": [
                {
                    **one,
                    "change": CHANGE_ROLE.offer(id=one["id"], values={"role": one["role"]}),
                    "log_out": LOG_OUT.offer(id=one["id"]),
                    "remove": REMOVE.offer(id=one["id"], expected=one["email"]),
                }
                for one in members.rows
            ],
            "member_pages": members,
            "invitations": [
                {
                    **one,
                    "resend": RESEND.offer(id=one["id"]),
                    "withdraw": WITHDRAW.offer(id=one["id"], expected=one["email"]),
                }
                for one in invitations.rows
                if one["status"] == PENDING
            ],
            "invitation_pages": invitations,
            "invite": INVITE.offer(),
        },
    )
