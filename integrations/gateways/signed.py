"""What all providers' webhooks have in common: one signature, raw bytes, and little time.

Source: CONTRACT 29.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from billing.payments.gateways import WebhookRefused

TOLERANCE: Final = timedelta(seconds=300)

LARGEST_BODY: Final = 1024 * 1024
LONGEST_HEADER: Final = 4096


def require_size(body: bytes) -> None:
    """Nothing follows if the body is one that a provider would send. Raises WebhookRefused."""
    if not body:
        raise WebhookRefused("It is empty.")
    if len(body) > LARGEST_BODY:
        raise WebhookRefused("It is too large.")


def one_header(headers: Mapping[str, str], name: str) -> str:
    """The value of a header that must be there once, in any case of letters."""
    found = [value for given, value in headers.items() if given.lower() == name.lower()]
    if len(found) != 1 or not found[0] or len(found[0]) > LONGEST_HEADER:
        raise WebhookRefused(f"It needs the header {name} once.")
    return found[0]


def require_signature(secret: str, signed: Iterable[bytes], given: Iterable[str]) -> None:
    """Nothing follows if one of the given hex digests is the HMAC-SHA256 of what was signed.

    All are compared, each in constant time. Raises WebhookRefused.
    """
    digest = hmac.new(secret.encode(), digestmod=sha256)
    for piece in signed:
        digest.update(piece)
    expected = digest.hexdigest().encode()
    # As bytes: letters beyond ASCII are another signature, and no error.
    matches = [hmac.compare_digest(expected, one.encode("utf-8", "replace")) for one in given]
    if not any(matches):
        raise WebhookRefused("Its signature is not that of this connection.")


def require_recent(at: datetime, *, now: datetime) -> None:
    """Nothing follows if it was signed within five minutes of now. Raises WebhookRefused."""
    if abs(now - at) > TOLERANCE:
        raise WebhookRefused(f"It is not of the last {TOLERANCE.seconds} seconds.")
