"""Trying a plan's prices: what quantities would cost, who would pay what more, and saving it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

from starlette.responses import Response

from console.workspace.asking import API, Call, Member, Refused, rows_of
from console.workspace.forms import read_form
from console.workspace.frame import HOME, Screen, see_other
from console.workspace.pricing.edit import EditedCharge, read_charges, write_edit

PRICES: Final = "/plans/{id}/prices"
SHOWN_AT_ONCE: Final = 100
MANY: Final = 100
KEY: Final = "key"
EFFECTIVE: Final = "effective"
OF_CALLERS: Final = range(400, 500)
SIGNED_OUT: Final = 401
"""What is no matter of what was typed."""

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the address asks: for how much, for whom, and with which other prices."""

    charges: Sequence[EditedCharge]
    quantities: Sequence[dict[str, str]]
    customer: Answer | None
    period: str

    @property
    def edit(self) -> dict[str, Any] | None:
        """The edit that is tried; None where every price is as it was."""
        return write_edit(self.charges)


async def show_prices(member: Member) -> Screen:
    """A plan's prices as fields, and what those in the address would come to."""
    query = dict(member.request.query_params)
    plan, meters = await asyncio.gather(
        member.get(f"/plans/{member.place()}"), member.get("/meters", page_size=MANY)
    )
    names = {one["id"]: one for one in rows_of(meters)}
    charges = read_charges(plan["charges"], query)
    found: dict[str, Any] = {"problem": None}
    try:
        tried = await _read(member, query, charges)
        found |= await _try(member, plan, tried, query.get("cursor"))
    except Refused as refusal:
        if refusal.status not in OF_CALLERS or refusal.status == SIGNED_OUT:
            raise
        found |= {"problem": refusal.detail, "field": refusal.problem.get("field")}
    metered = dict.fromkeys(one["meter_id"] for one in plan["charges"] if one["meter_id"])
    return Screen(
        template="prices.html",
        title=f"Prices of {plan['name']}",
        values={
            "plan": plan,
            "charges": charges,
            "meters": [names.get(one, {"id": one, "name": one, "unit": None}) for one in metered],
            "meter_names": {one: names[one]["name"] for one in metered if one in names},
            **found,
        },
    )


async def save_prices(member: Member) -> Response:
    """The other prices are those of the plan, once however often the form is sent."""
    form = await read_form(member.request)
    place = member.place()
    plan = await member.get(f"/plans/{place}")
    edit = write_edit(read_charges(plan["charges"], form)) or {"add": [], "deactivate": []}
    for place_of, call in enumerate(calls_of(plan["id"], edit, form.get(EFFECTIVE, ""))):
        # The new price first: what is interrupted here is finished by sending the form again.
        key = f"{form[KEY]}-{place_of}" if form.get(KEY) else None
        await member.act(call.method, call.path.removeprefix(API), call.body, key=key)
    return see_other(f"{HOME}/plans/{plan['id']}")


def calls_of(plan_id: str, edit: Mapping[str, Any], effective: str) -> list[Call]:
    """What saving the edit asks of the API, in order."""
    charges = f"{API}/plans/{plan_id}/charges"
    when = {EFFECTIVE: effective} if effective else {}
    added = [Call(method="POST", path=charges, body=one | when) for one in edit["add"]]
    gone = {"status": "INACTIVE"} | when
    return added + [
        Call(method="PATCH", path=f"{charges}/{one}", body=gone) for one in edit["deactivate"]
    ]


async def _read(member: Member, query: Mapping[str, str], charges: Sequence[EditedCharge]) -> Tried:
    asked = query.get("customer", "").strip()
    customer = await member.get(f"/customers/{quote(asked, safe='')}") if asked else None
    return Tried(
        charges=charges,
        quantities=[
            {"meter_id": name.removeprefix("q."), "quantity": text.strip()}
            for name, text in query.items()
            if name.startswith("q.") and text.strip()
        ],
        customer=customer,
        period="last" if query.get("period") == "last" else "current",
    )


async def _try(member: Member, plan: Answer, tried: Tried, cursor: str | None) -> dict[str, Any]:
    """What the quantities cost now and then, and what the edit changes for whom."""
    edit, whose = tried.edit, _whose(tried)
    path = f"/plans/{plan['id']}"
    now: Answer | None = None
    then: Answer | None = None
    changed: Answer | None = None
    if tried.quantities:
        asked: dict[str, Any] = {"quantities": tried.quantities, **whose}
        now = await member.act("POST", f"{path}/price", asked)
        if edit is not None:
            then = await member.act("POST", f"{path}/price", {**asked, "edit": edit})
    if edit is not None:
        at = {"page_size": str(SHOWN_AT_ONCE)} | ({"cursor": cursor} if cursor else {})
        body = {"edit": edit, "period": tried.period, **whose}
        changed = await member.act("POST", f"{path}/preview-edit?{urlencode(at)}", body)
    return {
        "now": now,
        "then": then,
        "changed": changed,
        "next_part": None if changed is None else _address_of(member, changed),
        "save": None if edit is None else _offer(plan, tried, edit),
    }


def _whose(tried: Tried) -> dict[str, str]:
    return {} if tried.customer is None else {"customer_id": tried.customer["id"]}


def _address_of(member: Member, changed: Answer) -> str | None:
    """Where the next subscriptions are, with the same prices."""
    cursor = changed["meta"]["next_cursor"]
    if cursor is None:
        return None
    query = {**member.request.query_params, "cursor": cursor}
    return f"{member.request.url.path}?{urlencode(query)}"


def _offer(plan: Answer, tried: Tried, edit: Mapping[str, Any]) -> dict[str, Any]:
    """The form that saves what was tried."""
    return {
        "address": HOME + PRICES.format(id=plan["id"]),
        "key": str(uuid4()),
        "typed": [(one.name, one.asked) for own in tried.charges for one in own.changed],
        "calls": calls_of(plan["id"], edit, ""),
    }
