"""The ingestion routes in the OpenAPI document, out of the structs that they decode and encode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from api.ingestion.property_descriptions import describe, tracked_event
from api.ingestion.views import BatchResult, RecordedEvent
from services.ingestion.event_input import EventReport

PREFIX: Final = "/api/v1"
_REFERENCE: Final = "#/components/schemas/{name}"


def add_ingestion(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the ingestion routes in it."""
    kinds = (EventReport, RecordedEvent, BatchResult)
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    report, event, batch = schemas
    describe(components)
    components["TrackedEvent"] = tracked_event(components["EventReport"])
    tracked = {"$ref": _REFERENCE.format(name="TrackedEvent")}
    document.setdefault("components", {}).setdefault("schemas", {}).update(components)
    paths = document.setdefault("paths", {})
    _add(paths, "/sdk/track", _one("Record one event by meter token", tracked, event))
    _add(paths, "/usage", _one("Record one event", report, event))
    _add(paths, "/usage/batch", _batch(report, batch))
    return document


def _add(paths: dict[str, Any], path: str, operation: Mapping[str, Any]) -> None:
    paths.setdefault(PREFIX + path, {})["post"] = operation


def _one(summary: str, report: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tags": ["Usage"],
        "description": f"{summary}.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": report}}},
        "responses": {
            "201": _content("The event was recorded.", event),
            "200": _content("The key was known: the first event.", event),
        },
    }


def _batch(report: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
    rows = {"type": "array", "items": report, "minItems": 1, "maxItems": 10_000}
    return {
        "tags": ["Usage"],
        "description": "Record up to 10,000 events.",
        "parameters": [
            _option("atomic", {"type": "boolean", "default": False}),
            _option("results", {"enum": ["all", "errors"], "default": "all"}),
            _option("create_customers", {"type": "boolean", "default": True}),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": rows},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
        "responses": {
            "200": _content("What became of each row.", batch),
        },
    }


def _option(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _content(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
