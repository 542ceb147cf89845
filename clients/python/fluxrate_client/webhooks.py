"""Webhooks: whether a delivery is genuine, and what it tells."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping

from fluxrate_client.errors import FluxrateError
from fluxrate_client.exact import load, read
from fluxrate_client.models import TOLD_EVENTS, ToldEvent

TOLERANCE_SECONDS = 300.0


class NotGenuine(FluxrateError):
    """Nobody who knows the secret has sent this, or they sent it long ago."""


def read_event(
    body: bytes,
    headers: Mapping[str, str],
    signing_secret: str,
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> ToldEvent | None:
    """What a delivery tells, once it is proved; None for an event that this client does not know.

    ``body`` is what was received, byte for byte; ``signing_secret`` is the endpoint's, which begins
    with ``whsec_``. Keep the header ``webhook-id`` of what you have worked on: a delivery may come
    twice.

    Raises:
        NotGenuine: the signature is of another body or secret, the delivery is old, or
            ``signing_secret`` is no signing secret, such as the ``secret`` of the endpoint.
    """
    given = {name.lower(): value for name, value in headers.items()}
    signed = f"{given.get('webhook-id', '')}.{given.get('webhook-timestamp', '')}.".encode() + body
    digest = base64.b64encode(hmac.digest(_key_of(signing_secret), signed, hashlib.sha256))
    expected = b"v1," + digest
    signatures = given.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(expected, one.encode()) for one in signatures):
        raise NotGenuine("No signature of this delivery is made with the secret.")
    sent_at = int(given["webhook-timestamp"])
    if abs(time.time() - sent_at) > tolerance_seconds:
        raise NotGenuine("The delivery was signed too long ago, or in the future.")
    told = load(body)
    kind = TOLD_EVENTS.get(told["event"])
    return None if kind is None else read(kind, told)


def _key_of(signing_secret: str) -> bytes:
    # Taken for a key, any other text would be one that signed nothing: the reason would be lost.
    kind, whsec, encoded = signing_secret.partition("whsec_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if kind or not whsec or not key:
        raise NotGenuine(
            "This is no signing secret: it is the endpoint's signing_secret, which begins with "
            "whsec_, not its secret."
        )
    return key
