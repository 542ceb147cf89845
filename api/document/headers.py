"""Headers that many operations have in common: told once, and referred to by each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from api.access.authentication import ORGANIZATION_HEADER
from api.access.cookie_names import ACCESS_COOKIE, HOST_PREFIX, REFRESH_COOKIE
from api.admission.rates import policies
from api.document.operations import Document, operations
from api.transport import idempotency, number_texts
from api.transport.conditional.tags import IF_MATCH, IF_NONE_MATCH
from api.transport.envelope import ACCEPTED_REQUEST_ID, REQUEST_ID_HEADER

ETAG: Final = "ETag"
RETRY_AFTER: Final = "Retry-After"
AUTHENTICATE: Final = "WWW-Authenticate"
SET_COOKIE: Final = "Set-Cookie"
LIMITED: Final = (policies.POLICY_HEADER, policies.HEADER)
"""Every answer to somebody known has them."""
JSON: Final = "application/json"

_TEXT: Final[Document] = {"type": "string"}


def _asked(name: str, description: str, schema: Document = _TEXT) -> Document:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema,
    }


PARAMETERS: Final[Document] = {
    one["name"]: one
    for one in (
        _asked(
            idempotency.HEADER,
            "A key of yours, such as a UUID. A repeat within 24 hours with the same key and body"
            " does nothing and gets the first answer, with `Idempotent-Replayed: true`. The same"
            " key with another body is 422, and 409 while the first request still runs.",
            {"type": "string", "minLength": 1, "maxLength": idempotency.MAXIMUM_LENGTH},
        ),
        _asked(
            IF_MATCH,
            "The `ETag` that this had when you read it: 412 `precondition_failed` if it has"
            " changed since, and nothing is done.",
        ),
        _asked(IF_NONE_MATCH, "Tags that you have: 304 without a body if one of them still holds."),
        _asked(
            number_texts.HEADER,
            "Makes every number of the answer a decimal string, for parsers that keep only binary"
            " floats.",
            {"type": "string", "enum": [number_texts.TEXTS]},
        ),
        _asked(
            ORGANIZATION_HEADER,
            "The organization that a session acts for: its own, which is meant without the"
            " header, or the sandbox of that.",
            {"type": "string", "format": "uuid"},
        ),
        _asked(
            REQUEST_ID_HEADER,
            "What you call this request: it is answered and logged under that id. Without it, or"
            " where it is not well-formed, one is made.",
            {"type": "string", "pattern": f"^{ACCEPTED_REQUEST_ID.pattern}$"},
        ),
    )
}
"""Headers of requests, by their names."""

HEADERS: Final[Document] = {
    AUTHENTICATE: {
        "description": "How to sign in. An API key goes into `X-API-Key`.",
        "schema": {"type": "string", "enum": ["Bearer"]},
    },
    ETAG: {
        "description": "The tag of what is shown, for `If-None-Match` and `If-Match`.",
        "schema": _TEXT,
    },
    idempotency.REPLAYED_HEADER: {
        "description": "There if this repeats the answer to an earlier request with the same"
        " `Idempotency-Key`.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    policies.POLICY_HEADER: {
        "description": "The limits that the request met: each with its quota `q` in `w` seconds, of"
        " requests by `key` and `organization`, or of `events`. There once somebody is known.",
        "schema": _TEXT,
    },
    policies.HEADER: {
        "description": "How much of each limit remains (`r`), and after how many seconds without"
        " further requests it is whole (`t`).",
        "schema": _TEXT,
    },
    RETRY_AFTER: {
        "description": "After how many seconds a repeat makes sense.",
        "schema": {"type": "integer", "minimum": 0},
    },
    SET_COOKIE: {
        "description": f"Twice: the session's cookies `{ACCESS_COOKIE}` and `{REFRESH_COOKIE}`,"
        " `HttpOnly`, `SameSite=Lax`, `Path=/`, with `Max-Age` of their lifetimes in seconds, and"
        f" `Secure` and with `{HOST_PREFIX}` before their names where the installation is reached"
        " by https. Logging out empties both.",
        "schema": _TEXT,
    },
    REQUEST_ID_HEADER: {
        "description": "What the logs call this request: yours, or one that was made.",
        "schema": _TEXT,
    },
}
"""Headers of answers, by their names."""

_COOKIES_WITH: Final = {f"#/components/schemas/{name}" for name in ("Session", "LoggedOut")}
"""Answers by which a session begins, goes on or ends."""


def share_headers(document: Document) -> None:
    """Each operation refers to the headers that it takes and answers with, all told once."""
    document["components"]["parameters"] = dict(PARAMETERS)
    document["components"]["headers"] = HEADERS
    for _, _, operation in operations(document):
        own = operation.get("parameters", ())
        operation["parameters"] = [
            *(_shared(one) if one["name"] in PARAMETERS else one for one in own),
            *(_reference("parameters", name) for name in _common(operation)),
        ]
        is_keyed = any(one["name"] == idempotency.HEADER for one in own)
        for status, response in operation["responses"].items():
            names = [*response.get("headers", ()), *_answered(status, is_keyed=is_keyed)]
            if _schema_of(response) in _COOKIES_WITH:
                names.append(SET_COOKIE)
            names += LIMITED if operation["security"] and status != "401" else ()
            response["headers"] = {name: _reference("headers", name) for name in names}


def _common(operation: Document) -> Iterator[str]:
    """Headers that an operation takes for being of its kind."""
    answers = operation["responses"].values()
    if any(JSON in answer.get("content", ()) for answer in answers):
        yield number_texts.HEADER
    if operation["security"]:
        yield ORGANIZATION_HEADER
    yield REQUEST_ID_HEADER


def _answered(status: str, *, is_keyed: bool) -> Iterator[str]:
    """Headers that an answer has for its status."""
    if is_keyed and status < "3":
        yield idempotency.REPLAYED_HEADER
    if status == "401":
        yield AUTHENTICATE
    if status in {"429", "503"}:
        yield RETRY_AFTER
    yield REQUEST_ID_HEADER


def _schema_of(response: Document) -> str | None:
    schema: Document = response.get("content", {}).get(JSON, {}).get("schema", {})
    return schema.get("$ref")


def _shared(parameter: Document) -> Document:
    """A reference to what is told once; what this operation says otherwise stands beside it."""
    known: dict[str, Any] = PARAMETERS[parameter["name"]]
    reference = _reference("parameters", parameter["name"])
    if parameter["description"] == known["description"]:
        return reference
    return reference | {"description": parameter["description"]}


def _reference(kind: str, name: str) -> Document:
    return {"$ref": f"#/components/{kind}/{name}"}
