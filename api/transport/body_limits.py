"""What a request may carry before anybody looks into it (CONTRACT 63 and 66)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from billing.errors import InvalidInput, TooLarge

BODY_BYTES = 1024 * 1024
NUL = "\x00"


async def read_within(
    chunks: AsyncIterator[bytes], *, declared: str | None, limit: int = BODY_BYTES
) -> bytes:
    """The whole body; reading stops where the limit is passed, whatever was ``declared``.

    How long it may take is the server's to say (``runtime/serving``). Units: bytes. Raises:
    TooLarge; InvalidInput ``incomplete_body`` where the caller hung up before its end.
    """
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    parts, size = [], 0
    try:
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            parts.append(chunk)
    except ClientDisconnect as error:
        raise InvalidInput("The body was cut off.", code="incomplete_body") from error
    return b"".join(parts)


def require_json(request: Request) -> None:
    """Return if the body says that it is JSON, and plain. Raises HTTPException 415."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    is_json = content_type == "application/json" or (
        content_type.startswith("application/") and content_type.endswith("+json")
    )
    if not is_json:
        raise HTTPException(415, "Send the body as application/json.")
    if request.headers.get("content-encoding", "identity").casefold() != "identity":
        raise HTTPException(415, "Send the body without a content encoding.")


def require_storable_address(request: Request) -> None:
    """Return if path and query hold no NUL, which text columns refuse.

    Raises InvalidInput naming the parameter, unless it is in the path.
    """
    query = request.scope["query_string"].decode("latin-1")
    if NUL in request.scope["path"] or NUL in unquote_plus(query):
        raise InvalidInput(
            "The address holds a NUL character.",
            code="invalid_text",
            field=next((name for name, value in parse_qsl(query) if NUL in value), None),
        )


def require_storable_text(document: Any) -> None:
    """Return if every text in a JSON document can be stored.

    Raises: InvalidInput ``invalid_text`` naming the place of a NUL or of half a surrogate pair.
    """
    waiting: list[tuple[Any, tuple[str, ...]]] = [(document, ())]
    while waiting:
        value, place = waiting.pop()
        match value:
            case str() if not _is_storable(value):
                raise InvalidInput(
                    "A text holds a NUL character or half a surrogate pair.",
                    code="invalid_text",
                    field=".".join(place) or None,
                )
            case dict():
                waiting.extend((name, place) for name in value)
                waiting.extend((inner, (*place, str(name))) for name, inner in value.items())
            case list():
                waiting.extend((inner, (*place, str(n))) for n, inner in enumerate(value))


def _is_storable(text: str) -> bool:
    return NUL not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"A request takes at most {limit} bytes here.", code="body_too_large")
