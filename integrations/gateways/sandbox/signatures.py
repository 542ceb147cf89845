"""How a webhook of the sandbox gateway proves itself: ``t=<seconds>,v1=<hex>``.

The HMAC-SHA256 is over the seconds, a dot and the body's very bytes, as Stripe's is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from billing.payments.gateways import WebhookRefused

HEADER: Final = "Sandbox-Signature"
TOLERANCE_SECONDS: Final = 300
LONGEST_HEADER: Final = 1_000

_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


def sign(body: bytes, *, secret: str, at: datetime) -> str:
    """The header of a body that is sent at an instant."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={_digest(body, seconds, secret)}"


def require_signed(headers: Mapping[str, str], body: bytes, *, secret: str, now: datetime) -> None:
    """The body was signed by the secret, at most 300 seconds from now. Raises WebhookRefused.

    Of several ``v1`` one must be right; ``t`` stands once.
    """
    given = [value for name, value in headers.items() if name.lower() == HEADER.lower()]
    if len(given) != 1 or len(given[0]) > LONGEST_HEADER:
        raise WebhookRefused(f"There is no one {HEADER}.")
    parts = [part.partition("=")[::2] for part in given[0].split(",")]
    times = [value for name, value in parts if name == "t"]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]):
        raise WebhookRefused("The signature names no one time.")
    expected = _digest(body, times[0], secret).encode()
    if not any(
        hmac.compare_digest(value.encode(errors="replace"), expected)
        for name, value in parts
        if name == "v1"
    ):
        raise WebhookRefused("The signature is not of this body.")
    if abs(int(times[0]) - int(now.timestamp())) > TOLERANCE_SECONDS:
        raise WebhookRefused("The signature is not of now.")


def _digest(body: bytes, seconds: str, secret: str) -> str:
    return hmac.new(secret.encode(), seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
