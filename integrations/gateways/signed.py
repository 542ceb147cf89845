"""What all providers' webhooks have in common: one signature, raw bytes, and little time.

Source: CONTRACT 29.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from billing.payments.gateways import WebhookRefused

TOLERANCE: Final = timedelta(seconds=300)

LARGEST_BODY: Final = 1024 * 1024
LONGEST_HEADER: Final = 4096

_SECONDS: Final = re.compile(r"[1-9][0-9]{0,10}", re.ASCII)


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


def digest_of(secret: str, *signed: bytes) -> str:
    """The hex HMAC-SHA256 of bytes that follow one another."""
    digest = hmac.new(secret.encode(), digestmod=sha256)
    for piece in signed:
        digest.update(piece)
    return digest.hexdigest()


def require_signature(expected: str, given: Iterable[str]) -> None:
    """Nothing follows if one of the given digests is the expected one.

    All are compared, each in constant time. Raises WebhookRefused.
    """
    # As bytes: letters beyond ASCII are another signature, and no error.
    matches = [
        hmac.compare_digest(expected.encode(), one.encode("utf-8", "replace")) for one in given
    ]
    if not any(matches):
        raise WebhookRefused("Its signature is not that of this connection.")


def require_recent(at: datetime, *, now: datetime) -> None:
    """Nothing follows if it was signed within five minutes of now. Raises WebhookRefused."""
    if abs(now - at) > TOLERANCE:
        raise WebhookRefused(f"It is not of the last {TOLERANCE.seconds} seconds.")


def timestamped(secret: str, body: bytes, *, at: datetime) -> str:
    """The header that signs a body at an instant: ``t=<seconds>,v1=<hex>``, as Stripe's does."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={digest_of(secret, seconds.encode(), b'.', body)}"


def require_timestamped(secret: str, header: str, body: bytes, *, now: datetime) -> None:
    """Nothing follows if such a header signs the very bytes, and did so just now.

    Raises WebhookRefused. Of several ``v1`` one is enough, as while a secret is rolled; other
    schemes prove nothing.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    instants = [value for scheme, _, value in parts if scheme == "t"]
    given = [value for scheme, _, value in parts if scheme == "v1"]
    if len(instants) != 1 or not _SECONDS.fullmatch(instants[0]) or not given:
        raise WebhookRefused("Its signature is not of the kind t, v1.")
    require_signature(digest_of(secret, instants[0].encode(), b".", body), given)
    require_recent(datetime.fromtimestamp(int(instants[0]), UTC), now=now)
