"""Addresses as they were sent, read once for all routes: HEAD as GET, encoded slashes as part.

A server decodes a path before it is matched, so that ``org%2F1`` would be two segments. Here the
slash of such a path is another letter until its route is found (CONTRACT 96, 97).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.routing import BaseRoute, Match
from starlette.types import Message, Scope, Send

from billing.texts.names import trimmed

SLASH_WITHIN: Final = "\udc2f"
"""Half a surrogate pair, which no decoded path holds, in place of an encoded slash."""

METHOD: Final = "fluxrate.method"
"""Where the scope has the method as it was sent."""

TEMPLATE: Final = "fluxrate.template"
"""Where the scope has the path of the route as it is documented."""

METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")

_ENCODED_SLASH: Final = re.compile(rb"%2f", re.IGNORECASE)


def read_address(scope: Scope) -> Scope:
    """The scope that routes are found by; the server's own stays as it is."""
    path = _keep_encoded_slashes(scope)
    is_head = scope["method"] == "HEAD"
    if path is None and not is_head:
        return scope
    read = {**scope, "path": scope["path"] if path is None else path}
    if is_head:
        read |= {"method": "GET", METHOD: "HEAD"}
    return read


def method_of(scope: Scope) -> str:
    """The method as it was sent."""
    return str(scope.get(METHOD, scope["method"]))


def without_body(send: Send) -> Send:
    """Sends what answers a HEAD: the headers of the answer to a GET, and nothing else."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head


def path_of(scope: Scope) -> str:
    """The path as people write it; nothing else may be shown or stored."""
    return str(scope["path"]).replace(SLASH_WITHIN, "/")


def texts_in(scope: Scope) -> dict[str, Any]:
    """What stands in the path for each name of the template, with its slashes, trimmed as kept."""
    texts: dict[str, str] = scope["path_params"]
    return {name: trimmed(text.replace(SLASH_WITHIN, "/")) for name, text in texts.items()}


def require_known_parameters(request: Request, known: frozenset[str]) -> None:
    """Return if the route has every query parameter that was sent, once. Source: CONTRACT 97.

    No parameter is a list, so that of two values one would count and nobody knew which.
    Raises: RequestValidationError naming each that it has not, or has twice.
    """
    if not request.scope["query_string"]:
        return
    sent = Counter(name for name, _ in request.query_params.multi_items())
    refused = [
        ("unknown_parameter", name, f"{name[:100]} is not a parameter here.")
        if name not in known
        else ("repeated_parameter", name, f"{name} takes one value, and stands here {count} times.")
        for name, count in sorted(sent.items())
        if name not in known or count > 1
    ]
    if refused:
        raise RequestValidationError(
            [
                {"type": code, "loc": ("query", name), "msg": sentence}
                for code, name, sentence in refused
            ]
        )


def allowed_methods(routes: Iterable[BaseRoute], scope: Scope) -> str:
    """The methods that the path takes, as ``Allow`` names them (RFC 9110, 10.2.1)."""
    tried = [(method, {**scope, "method": method, "fastapi": {}}) for method in METHODS]
    known = list(routes)
    found = {
        method
        for method, asked in tried
        if any(route.matches(asked)[0] is Match.FULL for route in known)
    }
    if "GET" in found:
        found.add("HEAD")
    return ", ".join(sorted(found))


def _keep_encoded_slashes(scope: Scope) -> str | None:
    raw: bytes = scope.get("raw_path") or b""
    if b"%2" not in raw:
        return None
    parts = _ENCODED_SLASH.split(raw)
    return SLASH_WITHIN.join(unquote(part.decode("latin-1")) for part in parts)
