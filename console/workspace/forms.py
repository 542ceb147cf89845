"""What a form sends."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

LONGEST: Final = 100_000
"""Bytes; a longer form is read as an empty one."""
MOST_FIELDS: Final = 200


async def read_form(request: Request) -> dict[str, str]:
    """The fields that say something, each once: of two of a name the last."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST:
            return {}
    try:
        return dict(parse_qsl(body.decode("ascii", "replace"), max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}
