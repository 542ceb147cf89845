"""What the properties of usage events mean, in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.schemas.common import number_shapes

_ID: Final = {"format": "uuid"}
_INSTANT: Final = {"format": "date-time"}
_OBJECT: Final = {"additionalProperties": True}
_FREE: Final = "Free-form: at most 50 keys, 8 levels and 32 KiB."
_EXTERNAL_ID: Final = (
    "Your own id of the customer; or name the customer by `customer_id`. One that is not known is"
    " created, unless the organization says otherwise."
)
_HOW_MUCH: Final = (
    "How much was used, in the meter's unit. An exact decimal: a JSON number, or a string of"
    " digits; above 0 for most aggregations."
)
_WHEN: Final = (
    "When it happened; by default now. An ISO 8601 instant, at most five minutes ahead; one without"
    " an offset is in UTC."
)
_QUANTITY: Final = {"anyOf": [*number_shapes(), {"type": "null"}]}

WORDING: Final[Mapping[str, Mapping[str, tuple[str, Mapping[str, Any]]]]] = {
    "EventReport": {
        "meter_token": ("The meter's `meter_token`; or name the meter another way.", _ID),
        "meter_id": ("The meter's id; or name the meter another way.", _ID),
        "meter_name": ("The meter's `meter_name`; or name the meter another way.", {}),
        "customer_external_id": (_EXTERNAL_ID, {}),
        "customer_id": ("The customer's id; or name the customer by `customer_external_id`.", _ID),
        "quantity": (_HOW_MUCH, _QUANTITY),
        "timestamp": (_WHEN, _INSTANT),
        "idempotency_key": (
            "The key under which the event is recorded once, for ever, however often it is sent.",
            {},
        ),
        "metadata": (f"What is sent along, for filters and aggregations. {_FREE}", _OBJECT),
        "meta_data": (f"Another name of `metadata`. {_FREE}", _OBJECT),
        "properties": (f"Another name of `metadata`. {_FREE}", _OBJECT),
    },
    "RecordedEvent": {
        "id": ("The event's id, a UUID that never changes.", _ID),
        "customer_id": ("The customer's id.", _ID),
        "meter_id": ("The meter's id.", _ID),
        "quantity": ("The quantity: an exact decimal as a string.", {}),
        "timestamp": ("When it happened. An instant in UTC.", _INSTANT),
        "created_at": ("When it was recorded. An instant in UTC.", _INSTANT),
        "meta_data": ("What was sent along; null where nothing was. Free-form.", _OBJECT),
        "counted": ("Whether it passes the meter's filters.", {}),
        "late": ("Whether the invoice of its period was final when it came.", {}),
        "paused": ("Whether the subscription was paused at the time: then it is not billed.", {}),
        "duplicate": ("True where the key was known already; else absent.", {}),
    },
    "BatchResult": {
        "accepted": ("How many events were recorded.", {}),
        "duplicates": ("How many keys were known already, with the same content.", {}),
        "rejected": ("How many events were not recorded.", {}),
        "results": ("What became of each row, in their order.", {}),
    },
    "RowResult": {
        "index": ("Which row it is, counted from 0.", {}),
        "status": ("What became of the row.", {"type": "string"}),
        "id": ("The event's id, of a duplicate the first event's; absent if it has none.", _ID),
        "late": ("True where the invoice of its period was final when it came; else absent.", {}),
        "error": ("Why the row was rejected; absent if it was not.", {}),
    },
    "RowError": {
        "code": ("Why, for programs.", {}),
        "detail": ("Why, for people.", {}),
        "field": ("The field that is to blame; absent if none is.", {}),
        "event_id": ("With `idempotency_key_reused`: the event that has the key.", _ID),
    },
}
"""By component and property: what it means, and what its type leaves out."""


def describe(components: Mapping[str, dict[str, Any]]) -> None:
    """Every property of the events' components is in words."""
    for name, properties in WORDING.items():
        component = components[name]
        component["description"] = component["description"].replace("``", "`")
        shown = component["properties"]
        for field, (words, more) in properties.items():
            shown[field] = {**_with_more(shown[field], more), "description": words}
            # What is absent is not sent as null.
            shown[field].pop("default", None)


def _with_more(schema: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with what its type leaves out, which holds for what is not null."""
    choices = schema.get("anyOf")
    if "anyOf" in more or choices is None:
        return {**schema, **more}
    return {
        **schema,
        "anyOf": [one if one.get("type") == "null" else {**one, **more} for one in choices],
    }


def tracked_event(report: Mapping[str, Any]) -> dict[str, Any]:
    """What ``/sdk/track`` takes: a report by meter token and external customer id."""
    left_out = {"meter_id", "meter_name", "customer_id"}
    required = ["meter_token", "customer_external_id"]
    properties = {
        name: schema for name, schema in report["properties"].items() if name not in left_out
    }
    for name in required:
        (text,) = (one for one in properties[name]["anyOf"] if one["type"] != "null")
        words, _ = WORDING["EventReport"][name]
        properties[name] = {**text, "description": f"{words.partition(';')[0]}."}
    return {**report, "title": "TrackedEvent", "properties": properties, "required": required}
