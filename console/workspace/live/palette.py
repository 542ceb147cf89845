"""The palette: screens and things found by name, number, external id or id."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from console.workspace.asking import Member, Refused, rows_of
from console.workspace.frame import HOME, Screen, places_for

MOST_OF_A_KIND: Final = 6
LONGEST: Final = 200
FORBIDDEN: Final = 403


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


async def _find(member: Member, asked: str) -> list[Found]:
    customers, invoice = await asyncio.gather(
        _ask(member, "/customers", q=asked, page_size=MOST_OF_A_KIND),
        _ask(member, f"/invoices/{quote(asked, safe='')}"),
    )
    found = [*_customers(rows_of(customers) if customers else ())]
    if invoice:
        found.insert(
            0,
            Found(
                noun="Invoice",
                name=str(invoice["invoice_number"] or "Draft"),
                address=f"{HOME}/invoices/{invoice['id']}",
            ),
        )
    return found


def _customers(rows: Iterable[Mapping[str, Any]]) -> Iterable[Found]:
    return (
        Found(
            noun="Customer",
            name=str(one["name"]),
            address=f"{HOME}/customers/{one['id']}",
            about=str(one["external_id"] or one["email"] or ""),
        )
        for one in rows
    )


async def _ask(member: Member, path: str, **query: str | int) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = await member.get(path, **query)
    except Refused:
        return None
    return found
