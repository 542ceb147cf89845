"""How a webhook of the sandbox gateway proves itself: as Stripe's does, by a header of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from integrations.gateways.signed import one_header, require_timestamped, timestamped

HEADER: Final = "Sandbox-Signature"


def sign(body: bytes, *, secret: str, at: datetime) -> str:
    """The header of a body that is sent at an instant."""
    return timestamped(secret, body, at=at)


def require_signed(headers: Mapping[str, str], body: bytes, *, secret: str, now: datetime) -> None:
    """The body was signed by the secret, at most 300 seconds from now. Raises WebhookRefused."""
    require_timestamped(secret, one_header(headers, HEADER), body, now=now)
