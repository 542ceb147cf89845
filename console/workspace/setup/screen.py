"""The guided setup: the steps that are done, and the one that comes next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from starlette.responses import Response

from console.workspace.actions import KEY, Form
from console.workspace.asking import API, SIGNED_OUT, Call, Member, Refused, rows_of
from console.workspace.forms import read_form
from console.workspace.frame import HOME, NEEDS, WRITES, Screen, see_other
from console.workspace.setup.steps import STEPS, Document, Found, Request, Step

SETUP: Final = f"{HOME}/setup"
LOOKS: Final = 40
LOOK_SECONDS: Final = 0.25
"""A screen waits ten seconds for a clock that advances, and then says that it does."""


async def show_setup(member: Member) -> Screen:
    """Where the organization is on the way to its first invoice."""
    return _screen(await _look(member))


async def take_step(member: Member) -> Response | Screen:
    """The calls of the next step are made, once however often its form is sent.

    A step that is done is not taken again. What the API refuses is told beside the form.
    """
    found = await _look(member)
    step = _next(found)
    form = await read_form(member.request)
    key = form.pop(KEY, "")
    if step is None or step.name != member.request.path_params["step"]:
        return see_other(SETUP)
    asked = {one.name: form[one.name] for one in step.ask(found) if form.get(one.name)}
    try:
        await _make(member, found, step.requests(found, asked), key)
    except Refused as refusal:
        if refusal.status == SIGNED_OUT:
            raise
        return _screen(await _look(member), typed=form, problem=refusal.detail)
    return see_other(SETUP)


async def _make(member: Member, found: Found, requests: Sequence[Request], key: str) -> None:
    ids = _ids(found)
    for number, one in enumerate(requests):
        filled = one.filled(ids)
        made = await member.act("POST", filled.path, filled.body, key=f"{key}-{number}")
        if one.makes:
            ids[one.makes] = made["id"]


def _ids(found: Found) -> dict[str, str]:
    named = {"<plan>": found.plan, "<clock>": found.clock, "<customer>": found.customer}
    return {name: one["id"] for name, one in named.items() if one is not None}


async def _look(member: Member) -> Found:
    """The first of everything that the organization has: this is who starts."""
    organization, meter, plan, clock = await asyncio.gather(
        member.get("/organization"),
        _first(member, "/meters"),
        _first(member, "/plans"),
        _first(member, "/test-clocks"),
    )
    plan = plan and await member.get(f"/plans/{plan['id']}")
    clock = clock and await _wait_for(member, clock)
    customer = clock and await _first(member, "/customers", test_clock_id=clock["id"])
    found = Found(organization=organization, meter=meter, plan=plan, clock=clock, customer=customer)
    return found if customer is None else await _look_at(member, found, customer["id"])


async def _look_at(member: Member, found: Found, customer_id: str) -> Found:
    subscription, event, invoice = await asyncio.gather(
        _first(member, "/subscriptions", customer_id=customer_id),
        _first(member, "/usage", customer_id=customer_id),
        _first(member, "/invoices", customer_id=customer_id),
    )
    return replace(found, subscription=subscription, event=event, invoice=invoice)


async def _first(member: Member, path: str, **query: str) -> Document | None:
    rows = rows_of(await member.get(path, **query, page_size=1))
    return rows[0] if rows else None


async def _wait_for(member: Member, clock: Document) -> Document:
    """The clock once everything that was due has happened, or as it is after ten seconds."""
    for _ in range(LOOKS):
        if clock["status"] == "ready":
            break
        await asyncio.sleep(LOOK_SECONDS)
        clock = await member.get(f"/test-clocks/{clock['id']}")
    return clock


def _next(found: Found) -> Step | None:
    return next((one for one in STEPS if not one.is_done(found)), None)


def _screen(found: Found, *, typed: Form | None = None, problem: str = "") -> Screen:
    step = _next(found)
    return Screen(
        template="setup.html",
        title="Guided setup",
        values={
            "steps": STEPS,
            "found": found,
            "current": step,
            "number": STEPS.index(step) if step else len(STEPS),
            "offer": step and _offer(step, found, typed or {}),
            "is_advancing": found.clock is not None and found.clock["status"] != "ready",
            "problem": problem,
        },
    )


def _offer(step: Step, found: Found, typed: Form) -> dict[str, Any]:
    fields = step.ask(found)
    proposed = {one.name: one.value for one in fields}
    requests = [one.filled(_ids(found)) for one in step.requests(found, proposed)]
    return {
        "title": step.button,
        "address": f"{SETUP}/{step.name}",
        "fields": [one.filled(typed.get(one.name)) for one in fields],
        "key": str(uuid4()),
        "expected": "",
        "is_grave": False,
        "calls": [_call(one) for one in requests],
        NEEDS: _needs(requests),
    }


def _needs(requests: Sequence[Request]) -> str:
    """What a role must reach to take a step: events are not what is sold."""
    is_usage = all(one.path.startswith("/usage") for one in requests)
    return "usage.write" if is_usage else WRITES


def _call(request: Request) -> Call:
    return Call(method="POST", path=API + request.path, body=request.body)
