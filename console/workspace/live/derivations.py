"""How a number came to be, for whoever points at it or comes to it by keyboard."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from console.rendering import SCRIPT_HEADER
from console.workspace.asking import Member
from console.workspace.frame import HOME, Screen, see_other
from console.workspace.screens import explain_line
from console.workspace.sums import list_summands_of_total

MOST_LINES: Final = 12


async def show_total(member: Member) -> Screen | Response:
    """What an invoice's total is the sum of, from its lines on; as a page, the invoice."""
    if SCRIPT_HEADER not in member.request.headers:
        return see_other(f"{HOME}/invoices/{member.place()}")
    invoice = await member.get(f"/invoices/{member.place()}")
    lines = invoice["line_items"]
    return Screen(
        template="derivation_of_total.html",
        title="",
        fragment="derivation_of_total.html",
        values={
            "invoice": invoice,
            "lines": lines[:MOST_LINES],
            "more": lines[MOST_LINES:],
            "summands": list_summands_of_total(invoice),
        },
    )


async def show_amount(member: Member) -> Screen | Response:
    """The steps by which a line was computed; as a page, the line unfolded."""
    return await _explain(member, "derivation_of_line.html")


async def show_explanation(member: Member) -> Screen | Response:
    """The same with the way to its events, in the place of the link that asked for it."""
    return await _explain(member, "explained_line.html")


async def _explain(member: Member, template: str) -> Screen | Response:
    invoice_id, line_id = member.place(), member.place("line")
    if SCRIPT_HEADER not in member.request.headers:
        return see_other(f"{HOME}/invoices/{invoice_id}?line={line_id}#line-{line_id}")
    invoice = await member.get(f"/invoices/{invoice_id}")
    found = [one for one in invoice["line_items"] if one["id"] == line_id]
    return Screen(
        template=template,
        title="",
        fragment=template,
        values={
            "invoice": invoice,
            "line": found[0] if found else None,
            "explained": await explain_line(member, invoice_id, line_id),
        },
    )
