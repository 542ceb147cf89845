"""One's own account: the password, the second step, the sessions."""

from __future__ import annotations

import asyncio
from typing import Final

from console.workspace.actions import ONCE, Action, Entry, Field
from console.workspace.asking import Member, rows_of
from console.workspace.frame import SESSION, Screen

ACCOUNT: Final = "/account"
PASSWORD: Final = Field(name="password", title="Password", entry=Entry.CONCEALED, is_required=True)

CHANGE_PASSWORD: Final = Action(
    title="Change password",
    path="/account/password",
    call="/auth/change-password",
    back=ACCOUNT,
    needs=SESSION,
    fields=(
        Field(
            name="current_password",
            title="Current password",
            entry=Entry.CONCEALED,
            is_required=True,
        ),
        Field(name="new_password", title="New password", entry=Entry.CONCEALED, is_required=True),
    ),
)
END_SESSION: Final = Action(
    title="End",
    path="/account/sessions/{id}/end",
    call="/auth/sessions/{id}",
    back=ACCOUNT,
    needs=SESSION,
    method="DELETE",
)
END_OTHERS: Final = Action(
    title="End all others",
    path="/account/sessions/end",
    call="/auth/sessions",
    back=ACCOUNT,
    needs=SESSION,
    method="DELETE",
)
CONFIRM_TOTP: Final = Action(
    title="Confirm the authenticator",
    path="/account/totp/confirm",
    call="/auth/totp/confirm",
    back=ACCOUNT,
    needs=SESSION,
    fields=(Field(name="code", title="Code that it shows", is_required=True),),
    shown={"recovery_codes": "Recovery codes, each good once"},
    note=ONCE,
)
BEGIN_TOTP: Final = Action(
    title="Set up an authenticator",
    path="/account/totp",
    call="/auth/totp",
    back=ACCOUNT,
    needs=SESSION,
    fields=(PASSWORD,),
    shown={"secret": "Secret, to type in", "uri": "Address, to open on the phone"},
    note=ONCE,
    then=(CONFIRM_TOTP,),
)
NEW_CODES: Final = Action(
    title="New recovery codes",
    path="/account/totp/recovery-codes",
    call="/auth/totp/recovery-codes",
    back=ACCOUNT,
    needs=SESSION,
    fields=(PASSWORD,),
    shown={"recovery_codes": "Recovery codes, each good once"},
    note=ONCE,
)
DISABLE_TOTP: Final = Action(
    title="Log in by the password alone",
    path="/account/totp/disable",
    call="/auth/totp/disable",
    back=ACCOUNT,
    needs=SESSION,
    fields=(PASSWORD,),
    is_grave=True,
)
ACTIONS: Final = (
    *(CHANGE_PASSWORD, END_SESSION, END_OTHERS),
    *(BEGIN_TOTP, CONFIRM_TOTP, NEW_CODES, DISABLE_TOTP),
)


async def show_account(member: Member) -> Screen:
    """Who one is, where one is logged in, and by what."""
    me, sessions, totp = await asyncio.gather(
        member.get("/auth/me"), member.get("/auth/sessions"), member.get("/auth/totp")
    )
    second = [NEW_CODES.offer(), DISABLE_TOTP.offer()] if totp["enabled"] else [BEGIN_TOTP.offer()]
    return Screen(
        template="account.html",
        title="Your account",
        values={
            "user": me["user"],
            "totp": totp,
            "second": second,
            "password": CHANGE_PASSWORD.offer(),
            "sessions": [
                {**one, "end": None if one["is_current"] else END_SESSION.offer(id=one["id"])}
                for one in rows_of(sessions)
            ],
            "others": END_OTHERS.offer(),
        },
    )
