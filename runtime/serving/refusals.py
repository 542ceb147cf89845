"""What is answered where no request could be read: problem documents without a request's id."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

ERRORS: Final = "/errors"
"""Where the catalogue of codes is read (``api/document/codes.py``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The last answer of a connection."""

    status: HTTPStatus
    code: str
    detail: str

    def render(self) -> bytes:
        """The whole answer, as it goes over the wire."""
        body = json.dumps(
            {
                "type": f"{ERRORS}/{self.code}",
                "title": self.status.phrase,
                "status": self.status,
                "detail": self.detail,
                "message": self.detail,
                "instance": "",
                "code": self.code,
                "request_id": None,
            },
            separators=(",", ":"),
        )
        head = (
            f"HTTP/1.1 {self.status} {self.status.phrase}\r\n"
            "content-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\n"
            "cache-control: no-store\r\n"
            "x-content-type-options: nosniff\r\n"
            "connection: close\r\n\r\n"
        )
        return (head + body).encode("ascii")


MALFORMED: Final = Refusal(
    status=HTTPStatus.BAD_REQUEST,
    code="bad_request",
    detail="This is no HTTP request.",
)
LATE: Final = Refusal(
    status=HTTPStatus.REQUEST_TIMEOUT,
    code="request_timeout",
    detail="The request did not arrive in time; send it again, and all of it.",
)
LONG_ADDRESS: Final = Refusal(
    status=HTTPStatus.REQUEST_URI_TOO_LONG,
    code="address_too_long",
    detail="The address is longer than 16 KiB.",
)
LARGE_HEAD: Final = Refusal(
    status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    code="head_too_large",
    detail="The headers are more than 64 KiB, or more than 128.",
)
