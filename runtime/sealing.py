"""Secrets at rest: what must be shown again is stored sealed by the operator's key."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from billing.quotas import Quotas
from runtime.settings import Settings
from services.accounts.credentials import SecretKeyMissing
from services.quotas import QUOTAS
from services.receipts.signing import SIGNER, ReceiptSigner

FORMAT = "s1"
NONCE_BYTES = 12
PURPOSE = b"fluxrate secrets at rest"


class Sealer:
    """AES-256-GCM by a key that is derived from ``FLUXRATE_SECRET_KEY``.

    What an earlier key sealed is opened by it for as long as it is among the previous ones; it is
    sealed by the key in force when it is stored the next time, or by ``fluxrate reseal``. A sealed
    text opens only in the place that it was sealed for: it cannot be moved into another row.
    """

    def __init__(self, secret_key: str, previous_secret_keys: Sequence[str] = ()) -> None:
        self._ciphers = [
            AESGCM(derive_key(one, PURPOSE)) for one in (secret_key, *previous_secret_keys)
        ]

    def seal(self, secret: str, *, place: str) -> str:
        """The secret as it is stored in a place."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, secret.encode(), place.encode())
        return f"{FORMAT}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, place: str) -> str:
        """The secret that was sealed in a place.

        Raises SecretKeyMissing if none of the keys opens it.
        """
        return self._open(sealed, place)[0]

    def renew(self, sealed: str, *, place: str) -> str | None:
        """The same secret sealed by the key in force, None if it is.

        Raises SecretKeyMissing if none of the keys opens it.
        """
        secret, key = self._open(sealed, place)
        return None if key == 0 else self.seal(secret, place=place)

    def _open(self, sealed: str, place: str) -> tuple[str, int]:
        """The secret, and the number of the key that opens it: 0 is the one in force."""
        packed = base64.b64decode(sealed.removeprefix(f"{FORMAT}."))
        for key, cipher in enumerate(self._ciphers):
            try:
                opened = cipher.decrypt(packed[:NONCE_BYTES], packed[NONCE_BYTES:], place.encode())
            except InvalidTag:
                continue
            return opened.decode(), key
        raise SecretKeyMissing(f"No secret key opens what is stored in {place}.")


def sealer_of(settings: Settings) -> Sealer | None:
    """What seals by the keys of the environment, None where there is none."""
    if settings.secret_key is None:
        return None
    return Sealer(settings.secret_key.get_secret_value(), settings.former_secret_keys)


def carried_by(settings: Settings) -> dict[str, object]:
    """What services find in every session.

    The quotas, and the signer of receipts, if there is the key that it needs.
    """
    sealer, quotas = sealer_of(settings), Quotas.read(settings.quotas)
    signer = {} if sealer is None else {SIGNER: ReceiptSigner(sealer)}
    return {QUOTAS: quotas, **signer}


def derive_key(secret_key: str, purpose: bytes) -> bytes:
    """The 256 bits by which a secret of the operator's seals for one purpose and for no other."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
