"""The component that every refusal has as its body."""

from __future__ import annotations

from typing import Final

from api.document.operations import Document
from billing.quotas import Quota

_FIELD: Final[Document] = {
    "type": "object",
    "properties": {
        "in": {"type": "string", "description": "Where it was: `body`, `query`, `path`, `header`."},
        "field": {"type": "string", "description": "Which field it is, `tiers.0.up_to` within."},
        "code": {"type": "string", "description": "What is wrong with it, for programs."},
        "detail": {"type": "string", "description": "What is wrong with it, for people."},
    },
}


def _about(description: str) -> Document:
    return {"type": "string", "description": description}


PROBLEM: Final[Document] = {
    "type": "object",
    "title": "Problem",
    "description": "An error (RFC 9457). `detail` is for people, `code` for programs.",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri",
            "description": "Where this installation explains the code: cause and remedy.",
        },
        "title": {"type": "string", "description": "The name of the status."},
        "status": {"type": "integer", "description": "The status of the answer."},
        "detail": {"type": "string", "description": "What is wrong, in a sentence for people."},
        "message": {"type": "string", "description": "The same as `detail`."},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "code": {
            "type": "string",
            "description": "What is wrong, for programs: it keeps its meaning.",
        },
        "request_id": {
            "type": ["string", "null"],
            "description": "What the logs call the request; null where it had no id yet.",
        },
        "did_you_mean": {
            "type": "string",
            "description": "With `not_found`, where no route is: method and path of a near one.",
        },
        "event_id": _about("With `idempotency_key_reused`: the event that has the key."),
        "feature_id": _about("With `limit_exceeded`: the feature whose limit it is."),
        "left": _about("With `credit_exceeds_line`: how much of the line may still be given back."),
        "meter_id": _about("With `meter_not_found`: the meter that was named."),
        "plan_id": _about(
            "Where an edit of a meter is refused: the plan that could not be priced."
        ),
        "sandbox_id": _about("With `use_sandbox`: the sandbox that is meant."),
        "subscription_id": _about("The subscription that is in the way, or still catching up."),
        "quota": {
            "type": "string",
            "enum": list(Quota),
            "description": "With `quota_reached`: which kind of thing there is no room for.",
        },
        "free_from": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "With `meter_already_billed`: from when the meter is free, if ever.",
        },
        "errors": {
            "type": "array",
            "description": "Each field that is wrong.",
            "items": _FIELD,
        },
    },
}
