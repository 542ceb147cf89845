"""The palette: screens and things found by name, number, external id or id."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from console.workspace.asking import Member, Refused, rows_of
from console.workspace.frame import HOME, Screen, places_for

MOST_OF_A_KIND: Final = 6
LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that was looked for: of which kind it is, and where it is shown."""

    noun: str
    name: str
    address: str
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Things of the API that are read by an id, and ``by_name`` by a name of their own as well."""

    noun: str
    path: str
    name: str
    about: Sequence[str] = ()
    by_name: bool = True
    screen: str = "{path}/{id}"

    def describe(self, thing: Mapping[str, Any]) -> Found:
        """One of them, as it is found."""
        about = next((str(thing[one]) for one in self.about if thing.get(one)), "")
        return Found(
            noun=self.noun,
            name=str(thing[self.name] or "Draft"),
            address=HOME + self.screen.format(path=self.path, id=thing["id"]),
            about=about,
        )


CUSTOMER: Final = Kind(
    noun="Customer", path="/customers", name="name", about=("external_id", "email")
)
EXACT: Final = (
    Kind(noun="Invoice", path="/invoices", name="invoice_number"),
    CUSTOMER,
    Kind(noun="Plan", path="/plans", name="name", about=("lookup_id",)),
    Kind(
        noun="Meter",
        path="/meters",
        name="name",
        about=("meter_name",),
        screen="/events?meter_id={id}",
    ),
    Kind(
        noun="Subscription", path="/subscriptions", name="plan_name", about=("id",), by_name=False
    ),
)


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
    """What is called exactly so, then customers whose names have it somewhere."""
    name = quote(asked, safe="")
    exact = [one for one in EXACT if one.by_name or _is_id(asked)]
    customers, *found = await asyncio.gather(
        _ask(member, "/customers", q=asked, page_size=MOST_OF_A_KIND),
        *(_ask(member, f"{one.path}/{name}") for one in exact),
    )
    named = [one.describe(thing) for one, thing in zip(exact, found, strict=True) if thing]
    others = _customers(rows_of(customers) if customers else ())
    return [*named, *(one for one in others if one not in named)]


def _is_id(asked: str) -> bool:
    try:
        UUID(asked)
    except ValueError:
        return False
    return True


def _customers(rows: Iterable[Mapping[str, Any]]) -> Iterable[Found]:
    return map(CUSTOMER.describe, rows)


async def _ask(member: Member, path: str, **query: str | int) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = await member.get(path, **query)
    except Refused:
        return None
    return found
