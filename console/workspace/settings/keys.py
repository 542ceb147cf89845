"""API keys: made, shown once, and revoked; and whether the chain of the audit log holds."""

from __future__ import annotations

from typing import Any, Final

from console.workspace.actions import ONCE, Action, Entry, Field, split_words
from console.workspace.asking import Member, rows_of
from console.workspace.frame import Screen
from console.workspace.lists import turn
from services.accounts.roles import MANAGE

KEYS: Final = "/api-keys"
SCOPES: Final = ("usage.write", "usage.read", "billing.write", "billing.read")


def _write(said: dict[str, Any]) -> dict[str, Any]:
    addresses = split_words(said.pop("allowed_addresses", ""))
    return {**said, "allowed_addresses": addresses} if addresses else said


MAKE_KEY: Final = Action(
    title="Make a key",
    path="/api-keys/make",
    call="/api-keys",
    back=KEYS,
    needs=MANAGE,
    fields=(
        Field(name="name", title="What it is for", is_required=True),
        Field(name="scopes", title="What it may do", entry=Entry.CHOICES, choices=SCOPES),
        Field(name="expires_at", title="Until, empty for ever"),
        Field(name="allowed_addresses", title="From which addresses, empty for any"),
    ),
    shown={"key": "The key", "name": "What it is for", "scopes": "What it may do"},
    note=ONCE,
    write=_write,
)
REVOKE: Final = Action(
    title="Revoke",
    path="/api-keys/{id}/revoke",
    call="/api-keys/{id}",
    back=KEYS,
    needs=MANAGE,
    method="DELETE",
    confirms=True,
    is_grave=True,
)
ACTIONS: Final = (MAKE_KEY, REVOKE)


async def show_keys(member: Member) -> Screen:
    """Keys with what each may do and when it was used, the revoked ones too."""
    keys = await turn(member, "/api-keys")
    return Screen(
        template="keys.html",
        title="API keys",
        values={
            "keys": [
                {
                    **one,
                    "revoke": REVOKE.offer(id=one["id"], expected=one["last_four"])
                    if one["revoked_at"] is None
                    else None,
                }
                for one in keys.rows
            ],
            "pages": keys,
            "make": MAKE_KEY.offer(),
        },
    )


async def show_chain(member: Member) -> Screen:
    """Where the chain of the audit log ends, and whether it holds if the address asks from where.

    Verifying takes longer than a page may; scripts go on by themselves from part to part.
    """
    after = member.request.query_params.get("after")
    if after is not None:
        chain = await member.get("/audit/chain", after=after)
        return Screen(template="chain.html", title="Audit chain", values={"chain": chain})
    newest = rows_of(await member.get("/audit", page_size=1))
    return Screen(
        template="chain.html",
        title="Audit chain",
        values={"chain": None, "newest": newest[0] if newest else None},
    )
