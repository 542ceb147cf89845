"""The palette: screens and things found by name, number, external id or id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from console.workspace.asking import Member, Refused, rows_of
from console.workspace.frame import HOME, Screen, places_for

LONGEST: Final = 200

PLACES: Final[Mapping[str, str]] = {
    "customer": "/customers/{id}",
    "subscription": "/subscriptions/{id}",
    "invoice": "/invoices/{id}",
    "payment": "/invoices/{invoice_id}",
    "plan": "/plans/{id}",
    "meter": "/meters/{id}",
    "coupon": "/coupons/{id}",
    "event": "/events?meter_id={meter_id}&customer_id={customer_id}",
}
"""Where each kind of thing is shown. What has no screen of its own is not found here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that was looked for: of which kind it is, and where it is shown."""

    noun: str
    name: str
    address: str
    about: str = ""


async def show_search(member: Member) -> Screen:
    """What fits the words of the address, as a page; for scripts the rows alone."""
    asked = member.request.query_params.get("q", "").replace("\0", "").strip()[:LONGEST]
    screens = [
        Found(noun="Screen", name=name, address=address)
        for name, address in places_for(member.role)
        if asked.lower() in name.lower()
    ]
    found = [] if not asked else await _find(member, asked)
    return Screen(
        template="search.html",
        title="Search",
        fragment="found.html",
        values={"found": [*found, *screens], "asked": asked},
    )


async def _find(member: Member, asked: str) -> Sequence[Found]:
    """What the API finds; nothing for whom it does not search."""
    try:
        found = await member.get("/search", q=asked)
    except Refused:
        return ()
    return [_describe(one) for one in rows_of(found) if one["kind"] in PLACES]


def _describe(one: Mapping[str, Any]) -> Found:
    return Found(
        noun=str(one["kind"]).capitalize(),
        name=str(one["name"]),
        address=HOME + PLACES[one["kind"]].format(**one),
        about=str(one["about"] or ""),
    )
