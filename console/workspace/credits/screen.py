"""Credit: the units that it is counted in, and what a customer has in one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from billing.money import plain_text
from billing.periods import Interval
from console.workspace.actions import Action, Entry, Field
from console.workspace.asking import Member, rows_of
from console.workspace.frame import Screen
from console.workspace.lists import turn

CREDITS: Final = "/customers/{id}/credits"
MANY: Final = 100
MOVEMENTS: Final = 50
"""As many are drawn as one line."""
HELD: Final = "held"
"""The kind of a movement that sets credit aside."""

LIVE: Final = frozenset({"pending", "active"})
"""Grants that can still be ended."""

GRANT: Final = Action(
    title="Grant credit",
    path="/customers/{id}/credits/grant",
    call="/customers/{id}/grants",
    back=CREDITS,
    fields=(
        Field(name="amount", title="Amount", is_required=True),
        Field(name="unit", title="Unit", is_required=True),
        Field(name="expires_at", title="Until, empty for ever"),
        Field(name="priority", title="Priority, the lowest pays first", entry=Entry.NUMBER),
        Field(name="reason", title="Why"),
    ),
)
END: Final = Action(
    title="End the grant",
    path="/customers/{id}/credits/grants/{grant}/end",
    call="/grants/{grant}/end",
    back=CREDITS,
    confirms=True,
    is_grave=True,
)
RELEASE: Final = Action(
    title="Release the hold",
    path="/customers/{id}/credits/holds/{hold}/release",
    call="/credits/holds/{hold}",
    back=CREDITS,
    method="DELETE",
    confirms=True,
    is_grave=True,
)
NEW_UNIT: Final = Action(
    title="New unit",
    path="/credits",
    call="/units",
    back="/credits",
    fields=(
        Field(name="code", title="Code, such as TOKENS", is_required=True),
        Field(name="name", title="Name", is_required=True),
        Field(
            name="scale", title="Decimal places", entry=Entry.NUMBER, value="0", is_required=True
        ),
    ),
)
INTERVALS: Final = tuple(Interval)
REPEAT: Final = Action(
    title="Grant again and again",
    path="/customers/{id}/credits/rules",
    call="/customers/{id}/grant-rules",
    back=CREDITS,
    fields=(
        Field(name="amount", title="Amount, each time", is_required=True),
        Field(name="unit", title="Unit", is_required=True),
        Field(
            name="interval",
            title="Every",
            entry=Entry.CHOICE,
            choices=INTERVALS,
            value=Interval.MONTH,
            is_required=True,
        ),
        Field(name="anchor", title="From, empty for now"),
        Field(
            name="expires_after",
            title="Each lives a",
            entry=Entry.CHOICE,
            choices=("", *INTERVALS),
        ),
        Field(name="ends_at", title="Until, empty for ever"),
        Field(name="priority", title="Priority, the lowest pays first", entry=Entry.NUMBER),
        Field(name="reason", title="Why"),
    ),
)
END_RULE: Final = Action(
    title="End the rule",
    path="/customers/{id}/credits/rules/{rule}/end",
    call="/customers/{id}/grant-rules/{rule}",
    back=CREDITS,
    method="DELETE",
    confirms=True,
    is_grave=True,
)
ACTIONS: Final = (GRANT, END, RELEASE, NEW_UNIT, REPEAT, END_RULE)


CHECK: Final = "check"
"""By which an address asks whether every ledger adds up."""


async def show_units(member: Member) -> Screen:
    """What credit is counted in; if the address asks, whether every ledger adds up.

    Adding up all of them takes longer than a page may.
    """
    is_asked = CHECK in member.request.query_params
    units = await turn(member, "/units")
    check = await member.get("/audit/credits") if is_asked else None
    return Screen(
        template="credits.html",
        title="Credits",
        values={"units": units.rows, "pages": units, "check": check, "new": NEW_UNIT.offer()},
    )


async def show_credits(member: Member) -> Screen:
    """A customer's credit in one unit: what is left, of which grants, and how it moved.

    What is left is that of now, or of the instant that the address names.
    """
    asked_at = member.request.query_params.get("at")
    customer = await member.get(f"/customers/{member.place()}")
    units = [one["code"] for one in rows_of(await member.get("/units", page_size=MANY))]
    unit = await _unit(member, customer["id"], units)
    address = f"/customers/{customer['id']}"
    balance, grants, rules, ledger = await asyncio.gather(
        member.get(f"{address}/balance", unit=unit, at=asked_at),
        turn(member, f"{address}/grants", name="grants_page", asked={"unit": unit}),
        turn(member, f"{address}/grant-rules", name="rules_page"),
        turn(
            member,
            f"{address}/ledger",
            asked={"unit": unit},
            page_size=MOVEMENTS,
            by_cursor=True,
        ),
    )
    return Screen(
        template="customer_credits.html",
        title=f"Credit of {customer['name']}",
        values={
            "customer": customer,
            "units": units,
            "unit": unit,
            "asked_at": asked_at,
            "balance": balance,
            "grants": [_grant(one) for one in grants.rows],
            "grant_pages": grants,
            "rules": [_rule(one) for one in rules.rows],
            "rule_pages": rules,
            "repeat": REPEAT.offer(id=customer["id"], values={"unit": unit}),
            "entries": ledger.rows,
            "entry_pages": ledger,
            "holds": _holds(customer["id"], unit, ledger.rows),
            "grant": GRANT.offer(id=customer["id"], values={"unit": unit}),
        },
    )


async def _unit(member: Member, customer_id: str, units: Sequence[str]) -> str:
    """The unit that the address names, or that of the first grant, or the first there is."""
    asked = member.request.query_params.get("unit")
    if asked:
        return asked
    grants = rows_of(await member.get(f"/customers/{customer_id}/grants", page_size=1))
    if grants:
        return str(grants[0]["unit"])
    return units[0] if units else str(member.organization["currency"])


def _grant(one: Mapping[str, Any]) -> dict[str, Any]:
    end = END.offer(id=one["customer_id"], grant=one["id"], expected=_called(one))
    return {**one, "end": end if one["status"] in LIVE else None}


def _rule(one: Mapping[str, Any]) -> dict[str, Any]:
    """A rule with how often it grants, in words, and the form that ends it while it goes on."""
    every, lives = (_duration(one[name]) for name in ("interval", "expires_after"))
    end = END_RULE.offer(id=one["customer_id"], rule=one["id"], expected=_called(one))
    return {**one, "every": every, "lives": lives, "end": end if one["next_at"] else None}


def _called(one: Mapping[str, Any]) -> str:
    """What somebody types who ends it: ``250 TOKENS``."""
    return f"{plain_text(abs(Decimal(one['amount'])))} {one['unit']}"


def _duration(one: Mapping[str, Any] | None) -> str | None:
    """``month``, ``3 months``; None of what has no end."""
    if one is None:
        return None
    return str(one["interval"]) if one["count"] == 1 else f"{one['count']} {one['interval']}s"


def _holds(
    customer_id: str, unit: str, entries: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Holds of these movements that were neither settled nor released by one of them."""
    ended = {one["hold_id"] for one in entries if one["kind"] != HELD}
    return [
        {
            **one,
            "release": RELEASE.offer(
                id=customer_id, hold=one["hold_id"], expected=_called({**one, "unit": unit})
            ),
        }
        for one in entries
        if one["kind"] == HELD and one["hold_id"] not in ended
    ]
