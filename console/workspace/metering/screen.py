"""A meter: how it counts, what it counted, and an event to try."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from console.workspace.actions import Action, Entry, Field
from console.workspace.asking import Member
from console.workspace.frame import Screen


def _write(said: dict[str, Any]) -> dict[str, Any]:
    """The property that the meter reads stands among the properties of an event."""
    name, value = said.pop("property", None), said.pop("value", None)
    return said if name is None else {**said, "properties": {name: value}}


TRY: Final = Action(
    title="Send the event",
    path="/meters/{id}/try",
    call="/usage",
    back="/meters/{id}",
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


async def show_meter(member: Member) -> Screen:
    """How a meter counts and what it counted, with an event to try."""
    place = member.place()
    meter, statistics = await asyncio.gather(
        member.get(f"/meters/{place}"), member.get(f"/meters/{place}/stats")
    )
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
