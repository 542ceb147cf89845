"""A meter: how it counts, what it counted, and an event to try."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from console.rendering import SCRIPT_HEADER
from console.workspace.actions import Action, Entry, Field
from console.workspace.asking import Member
from console.workspace.frame import HOME, Screen, see_other


def _write(said: dict[str, Any]) -> dict[str, Any]:
    """The property that the meter reads stands among the properties of an event."""
    name, value = said.pop("property", None), said.pop("value", None)
    return said if name is None else {**said, "properties": {name: value}}


TRY: Final = Action(
    title="Send the event",
    path="/meters/{id}/try",
    call="/usage",
    back="/meters/{id}",
    needs="usage.write",
    fields=(
        Field(name="customer_external_id", title="Your id of the customer", is_required=True),
        Field(name="quantity", title="Quantity"),
        Field(name="property", title="Or a property"),
        Field(name="value", title="and its value", entry=Entry.NUMBER),
        Field(name="timestamp", title="When, empty for now"),
        Field(name="idempotency_key", title="Its key", is_required=True),
    ),
    body={"meter_id": "{id}"},
    shown={
        "id": "The event",
        "quantity": "Quantity",
        "timestamp": "When",
        "counted": "It passes the meter's filters",
        "late": "It is late: the invoice of its period was final",
    },
    note="It is an event like any other, and is billed. Void it where it should not be.",
    write=_write,
)
ACTIONS: Final = (TRY,)


COUNTED: Final = "counted"
"""By which an address without scripts asks for what a meter counted."""


async def show_meter(member: Member) -> Screen:
    """How a meter counts, with an event to try; what it counted comes by itself, or is asked for.

    Counting everything that was ever reported takes longer than a page may.
    """
    place = member.place()
    meter = await member.get(f"/meters/{place}")
    is_asked = COUNTED in member.request.query_params
    statistics = await member.get(f"/meters/{place}/stats") if is_asked else None
    asked = {"property": meter["property_name"] or "", "value": "1"}
    return Screen(
        template="meter.html",
        title=str(meter["name"]),
        values={
            "meter": meter,
            "statistics": statistics,
            "attempt": TRY.offer(id=meter["id"], values=asked if meter["property_name"] else {}),
        },
    )


async def show_counted(member: Member) -> Screen | Response:
    """What a meter counted, as a part of its screen; as a page, that screen."""
    place = member.place()
    if SCRIPT_HEADER not in member.request.headers:
        return see_other(f"{HOME}/meters/{place}?{COUNTED}=now")
    return Screen(
        template="counted.html",
        title="",
        fragment="counted.html",
        values={"statistics": await member.get(f"/meters/{place}/stats")},
    )
