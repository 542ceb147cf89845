"""What ``/openapi.json`` says of webhooks: each event with its body, as an endpoint gets it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from api.document.operations import Document
from api.schemas.webhook_events import TELLINGS, body_of
from billing.notifications import signatures
from billing.notifications.events import WebhookEvent

TAG: Final = "Webhooks"
TOLD: Final = Path(__file__).parent / "told_events.json"
"""A body of each event, as it was sent in a run of the product: `make examples`."""

_TEXT: Final[Document] = {"type": "string"}
_REFERENCE: Final = "#/components/schemas/{model}"

HEADERS: Final[Document] = {
    name: {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": _TEXT,
    }
    for name, description in {
        signatures.SIGNATURE: "HMAC-SHA256 of the body by the endpoint's `secret`, in lower-case"
        " hex.",
        signatures.ID: "The id of the event, the same in every try and every replay: by it you"
        " know what you have worked on already.",
        signatures.TIMESTAMP: "When this try was made, in seconds since 1970.",
        signatures.STANDARD_SIGNATURE: "The signature of Standard Webhooks, by `signing_secret`;"
        " two of them, with a space between, for 24 hours after the secret was replaced.",
    }.items()
}
"""Headers of every delivery, by their names."""

EXPLANATION: Final = (
    "Sent to every endpoint that asked for the event, at least once, until the answer is 200 to"
    " 299: at once, and 30 s, 2 min, 10 min, 1 h and 6 h after the try before. `data` is what"
    " things were when it happened. Fields may be added."
)


@cache
def read_told() -> dict[str, Any]:
    """The recorded body of each event."""
    told: dict[str, Any] = json.loads(TOLD.read_text())
    return told


def add_webhooks(document: Document) -> None:
    """Each event is described, with its body and one that was sent."""
    components = document["components"]
    mode: JsonSchemaMode = "serialization"
    kinds = [(body_of(event), mode) for event in WebhookEvent]
    _, found = models_json_schema(kinds, ref_template=_REFERENCE)
    components["schemas"] = dict(sorted({**found["$defs"], **components["schemas"]}.items()))
    components["parameters"] |= HEADERS
    document["webhooks"] = {event.value: {"post": _describe(event)} for event in WebhookEvent}


def _describe(event: WebhookEvent) -> Document:
    content: Document = {"schema": {"$ref": _REFERENCE.format(model=body_of(event).__name__)}}
    if event in read_told():
        content["example"] = read_told()[event]
    means = TELLINGS[event].means
    return {
        "operationId": event.replace(".", "_"),
        "tags": [TAG],
        "summary": means.partition(";")[0].partition(". ")[0].rstrip("."),
        "description": f"{means}\n\n{EXPLANATION}",
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in HEADERS],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "2XX": {"description": "It has arrived. Answer within 15 seconds, and work after it."},
            "default": {"description": "It is tried again, six times in all."},
        },
    }
