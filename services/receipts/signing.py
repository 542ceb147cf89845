"""Keys of organizations and what they sign: Ed25519, as JSON Web Keys (RFC 8037).

The signer comes with the process: one that has no operator's key opens no organization's either.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlmodel import Session

from models.base import new_id
from models.invoicing.receipts import ReceiptKey
from services.accounts.credentials import Sealing, SecretKeyMissing

SIGNER: Final = "receipt_signer"
"""Key of ``session.info`` under which the composition root leaves the process's signer."""

MOST_OPEN: Final = 10_000
"""How many opened keys a process remembers."""


class ReceiptSigner:
    """Makes, opens and uses the keys of organizations; remembers those that it has opened."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing
        self._open: dict[str, Ed25519PrivateKey] = {}

    def make_key(self, organization_id: UUID, *, now: datetime) -> ReceiptKey:
        """A new key, whose private half is sealed for its row alone; not stored yet."""
        private = Ed25519PrivateKey.generate()
        public = encode(private.public_key().public_bytes_raw())
        identifier = new_id()
        return ReceiptKey(
            organization_id=organization_id,
            id=identifier,
            key_id=thumbprint(public),
            public_key=public,
            sealed_key=self._sealing.seal(
                encode(private.private_bytes_raw()), place=place_of(organization_id, identifier)
            ),
            created_at=now,
        )

    def can_open(self, key: ReceiptKey) -> bool:
        """Whether the operator's keys open it."""
        try:
            self._private(key)
        except SecretKeyMissing:
            return False
        return True

    def sign(self, key: ReceiptKey, message: bytes) -> str:
        """The signature, the same every time. Raises SecretKeyMissing."""
        return encode(self._private(key).sign(message))

    def _private(self, key: ReceiptKey) -> Ed25519PrivateKey:
        found = self._open.get(key.key_id)
        if found is None:
            opened = self._sealing.open(key.sealed_key, place=place_of(key.organization_id, key.id))
            if len(self._open) >= MOST_OPEN:
                self._open.clear()
            found = self._open[key.key_id] = Ed25519PrivateKey.from_private_bytes(decode(opened))
        return found


def signer_of(session: Session) -> ReceiptSigner | None:
    """The signer of this process, if it has the operator's key."""
    found = session.info.get(SIGNER)
    return found if isinstance(found, ReceiptSigner) else None


def place_of(organization_id: UUID, identifier: UUID) -> str:
    """Where the private half of a key is sealed for."""
    return f"receipt_key/{organization_id}/{identifier}"


def is_signed(message: bytes, signature: str, public_key: str) -> bool:
    """Whether the signature is that of the message by the key."""
    try:
        Ed25519PublicKey.from_public_bytes(decode(public_key)).verify(decode(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_jwk(key_id: str, public_key: str) -> dict[str, str]:
    """The public half of a key as others read it."""
    return {"kty": "OKP", "crv": "Ed25519", "kid": key_id, "x": public_key}


def thumbprint(public_key: str) -> str:
    """The id of a key, which follows from the key itself (RFC 7638)."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": public_key}
    return encode(sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def encode(raw: bytes) -> str:
    """Unpadded base64url."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """What was encoded. Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
