"""Both signatures of a delivery: the documented one and that of Standard Webhooks.

An endpoint has one secret in two spellings: as it is, the key of ``X-Fluxrate-Signature``; as
``whsec_`` and its base64, the one that libraries of Standard Webhooks take. Source: CONTRACT 4.14,
30, 78.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

SIGNATURE: Final = "X-Fluxrate-Signature"
ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
STANDARD_SIGNATURE: Final = "webhook-signature"

TOLERANCE: Final = timedelta(minutes=5)
"""How far the time of a delivery may be from the receiver's, by Standard Webhooks."""


def signing_secret(secret: str) -> str:
    """The secret as libraries of Standard Webhooks take it."""
    return "whsec_" + base64.b64encode(secret.encode()).decode()


def sign(body: bytes, *, message_id: str, at: datetime, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that prove a body; the first of the secrets is the one in force.

    The others, replaced a short while ago, sign for Standard Webhooks besides.
    """
    timestamp = _seconds(at)
    return {
        SIGNATURE: _hex(body, secrets[0]),
        ID: message_id,
        TIMESTAMP: timestamp,
        STANDARD_SIGNATURE: " ".join(
            _standard(body, message_id, timestamp, secret) for secret in secrets
        ),
    }


def is_signed(body: bytes, headers: Mapping[str, str], *, secret: str, now: datetime) -> bool:
    """Whether both signatures of a delivery are of this secret, and it is of now.

    ``secret`` is in either spelling, and ``headers`` in lower case.
    """
    secret = plain_secret(secret)
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not timestamp.isdecimal() or abs(int(timestamp) - int(_seconds(now))) > TOLERANCE.seconds:
        return False
    expected = _standard(body, message_id, timestamp, secret)
    given = headers.get(STANDARD_SIGNATURE, "").split(" ")
    return hmac.compare_digest(
        headers.get(SIGNATURE.lower(), "").encode(), _hex(body, secret).encode()
    ) and any(hmac.compare_digest(one.encode(), expected.encode()) for one in given)


def plain_secret(secret: str) -> str:
    """The secret as it is, of either spelling. Raises ValueError if it cannot be read."""
    encoded = secret.removeprefix("whsec_")
    return secret if encoded == secret else base64.b64decode(encoded).decode()


def _seconds(at: datetime) -> str:
    return str(int(at.timestamp()))


def _hex(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _standard(body: bytes, message_id: str, timestamp: str, secret: str) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
