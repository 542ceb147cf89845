"""What a plan commits its customers to: listed, agreed on, and ended."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from billing.money import plain_text
from console.workspace.actions import Action, Entry, Field
from console.workspace.asking import Member
from console.workspace.lists import turn

PLAN: Final = "/plans/{id}"
COMMITMENTS: Final = f"{PLAN}/commitments"

COMMIT: Final = Action(
    title="Commit to an amount",
    path=COMMITMENTS,
    call=COMMITMENTS,
    back=PLAN,
    fields=(
        Field(name="amount", title="At least, a term", is_required=True),
        Field(
            name="term_periods",
            title="Periods of a term",
            entry=Entry.NUMBER,
            value="1",
            is_required=True,
        ),
        Field(name="overage_factor", title="Times the price beyond it", value="1"),
    ),
)
END: Final = Action(
    title="End the commitment",
    path=f"{COMMITMENTS}/{{commitment}}/end",
    call=f"{COMMITMENTS}/{{commitment}}",
    back=PLAN,
    method="DELETE",
    confirms=True,
    is_grave=True,
)
ACTIONS: Final = (COMMIT, END)


async def read_commitments(member: Member) -> dict[str, Any]:
    """What a plan commits to or did, each with the form that ends it. Raises Refused."""
    place = member.place()
    found = await turn(member, f"/plans/{place}/commitments")
    return {
        "commitments": [
            {
                **one,
                "end": None
                if one["ended_at"]
                else END.offer(
                    id=place, commitment=one["id"], expected=plain_text(Decimal(one["amount"]))
                ),
            }
            for one in found.rows
        ],
        "commitment_pages": found,
        "commit": COMMIT.offer(id=place),
    }
