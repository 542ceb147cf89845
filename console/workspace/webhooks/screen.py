"""Endpoints and deliveries: made and ended, looked at, and delivered again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from billing.notifications.events import EVERY_EVENT, WebhookEvent
from billing.notifications.schedule import DeliveryStatus
from console.workspace.actions import KEY, ONCE, Action, Field, split_words
from console.workspace.asking import Member, rows_of
from console.workspace.forms import read_form
from console.workspace.frame import HOME, Screen, see_other
from console.workspace.lists import PAGE_SIZE, Column, Filter, Listing

WEBHOOKS: Final = "/webhooks"
MANY: Final = 100
ENDPOINT: Final = "/webhook-endpoints/{id}"
SECRETS: Final = {
    "secret": "The secret, for X-Fluxrate-Signature",
    "signing_secret": "The same for libraries of Standard Webhooks",
}


def _write(said: dict[str, Any]) -> dict[str, Any]:
    return {**said, "events": split_words(said.get("events", ""))}


LISTEN: Final = Action(
    title="Listen",
    path="/webhooks/listen",
    call="/webhook-endpoints",
    back=WEBHOOKS,
    fields=(
        Field(name="url", title="Address, https://", is_required=True),
        Field(name="events", title="Events, * for all", value=EVERY_EVENT, is_required=True),
        Field(name="description", title="What it is for"),
    ),
    shown=SECRETS,
    note=ONCE,
    write=_write,
)
ENABLE: Final = Action(
    title="Begin again",
    path="/webhooks/endpoints/{id}/enable",
    call=ENDPOINT,
    back=WEBHOOKS,
    method="PATCH",
    body={"enabled": True},
)
DISABLE: Final = Action(
    title="Stop",
    path="/webhooks/endpoints/{id}/disable",
    call=ENDPOINT,
    back=WEBHOOKS,
    method="PATCH",
    body={"enabled": False},
)
ROTATE: Final = Action(
    title="New secret",
    path="/webhooks/endpoints/{id}/rotate",
    call=f"{ENDPOINT}/rotate-secret",
    back=WEBHOOKS,
    shown=SECRETS,
    note=f"{ONCE} The former secret signs beside it for 24 hours.",
)
FORGET: Final = Action(
    title="Delete",
    path="/webhooks/endpoints/{id}/delete",
    call=ENDPOINT,
    back=WEBHOOKS,
    method="DELETE",
    confirms=True,
    is_grave=True,
)
REPLAY: Final = Action(
    title="Deliver again",
    path="/webhooks/{id}/replay",
    call="/webhook-deliveries/{id}/replay",
    back=WEBHOOKS,
)
ACTIONS: Final = (LISTEN, ENABLE, DISABLE, ROTATE, FORGET, REPLAY)

DELIVERIES: Final = Listing(
    title="Webhooks",
    path="/webhook-deliveries",
    columns=(
        Column(
            title="At",
            cell=lambda row, values: values.instant(row["created_at"]),
            raw=lambda row: row["created_at"],
        ),
        Column(title="Event", cell=lambda row, _: str(row["event"])),
        Column(
            title="Status",
            cell=lambda row, values: values.words(row["status"]),
            raw=lambda row: row["status"],
            is_status=True,
        ),
        Column(title="Attempts", cell=lambda row, _: str(row["attempts"]), is_number=True),
        Column(
            title="Answer",
            cell=lambda row, _: str(row["response_code"] or "–"),
            raw=lambda row: row["response_code"],
            is_number=True,
        ),
        Column(title="Why not", cell=lambda row, _: str(row["error"] or "")),
    ),
    filters=(
        Filter(name="status", title="Status", choices=tuple(DeliveryStatus), is_tab=True),
        Filter(name="event", title="Event", choices=tuple(WebhookEvent)),
        Filter(name="endpoint_id", title="Endpoint"),
    ),
    fixed={"newest_first": "true"},
    template="webhooks.html",
    link=lambda row: f"{HOME}{WEBHOOKS}/{row['id']}",
    empty="Deliveries appear once an endpoint listens.",
    offer=lambda row: REPLAY.offer(id=row["id"]),
)


async def show_webhooks(member: Member) -> Screen | Response:
    """Who listens, and the deliveries that the address asks for; the newest first."""
    shown, listening = await asyncio.gather(
        DELIVERIES.show(member), member.get("/webhook-endpoints", page_size=MANY)
    )
    if isinstance(shown, Response):
        return shown
    endpoints = rows_of(listening)
    failed = [one["id"] for one in shown.values["rows"] if one["status"] == DeliveryStatus.FAILED]
    more = {
        "endpoints": [{**one, "offers": _offers(one)} for one in endpoints],
        "listen": LISTEN.offer(),
        "failed": ",".join(failed),
        "again": _offer_all(failed) if failed else None,
    }
    return replace(shown, values={**shown.values, **more})


def _offers(endpoint: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What can be done with an endpoint as it is now."""
    place = endpoint["id"]
    turn = DISABLE if endpoint["enabled"] else ENABLE
    forget = FORGET.offer(id=place, expected=endpoint["url"])
    return [turn.offer(id=place), ROTATE.offer(id=place), forget]


def _offer_all(failed: Sequence[str]) -> dict[str, Any]:
    """The form that delivers several again, with the call for each."""
    offers = [REPLAY.offer(id=one) for one in failed]
    return {**offers[0], "calls": [call for one in offers for call in one["calls"]]}


async def replay_failed(member: Member) -> Response:
    """What failed of a page of the list is delivered again, each by the call for it.

    Raises Refused.
    """
    form = await read_form(member.request)
    for one in form.get("ids", "").split(",")[:PAGE_SIZE]:
        if one:
            path = f"/webhook-deliveries/{quote(one, safe='')}/replay"
            await member.act("POST", path, key=f"{form.get(KEY, '')}-{one}")
    return see_other(f"{HOME}{WEBHOOKS}")


async def show_delivery(member: Member) -> Screen:
    """One delivery: what was sent, and what each try was answered."""
    told, listening = await asyncio.gather(
        member.get(f"/webhook-deliveries/{member.place()}"),
        member.get("/webhook-endpoints", page_size=MANY),
    )
    endpoint = next((one for one in rows_of(listening) if one["id"] == told["endpoint_id"]), None)
    return Screen(
        template="delivery.html",
        title=str(told["event"]),
        values={
            "told": told,
            "endpoint": endpoint,
            "body": json.dumps(json.loads(told["body"]), indent=2, ensure_ascii=False),
            "again": REPLAY.offer(id=told["id"]),
        },
    )
