"""Payloads sealed by the operator's keys, so that whoever runs Temporal reads no histories."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import EncodingPayloadConverter, PayloadCodec

from runtime.sealing import NONCE_BYTES, derive_key

PURPOSE: Final = b"fluxrate temporal payloads"
ENCODING: Final = b"binary/encrypted"
KEY_ID: Final = "encryption-key-id"
"""In the metadata of a sealed payload: which key sealed it, by a hash that gives nothing away."""


_MARKED: Final = re.compile(re.escape(KEY_ID.encode()) + rb"\x12\x10([0-9a-f]{16})")
"""How protobuf writes that mark: the name, the number and the length of what follows, the id."""


class PayloadKeyMissing(RuntimeError):
    """A payload was sealed by a key that this process was not given, or was changed since.

    A workflow's task fails by it and is tried again, until a worker has the key: nothing is lost.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"A payload is sealed by a key that FLUXRATE_TEMPORAL_CODEC_KEYS does not name (id"
            f" {key_id}). Give this process every key that histories were sealed by; the first"
            " seals what is new."
        )


def key_id_of(key: str) -> str:
    """What a key is called in the metadata of what it sealed."""
    return _id_of(derive_key(key, PURPOSE))


def key_ids_in(content: bytes) -> set[str]:
    """By which keys parts of a message of Temporal's were sealed, however deep they lie in it."""
    return {found.decode() for found in _MARKED.findall(content)}


class SealedPayloads(PayloadCodec):
    """AES-256-GCM: the first key seals, and all of them open. What is not sealed is left as it is.

    So histories from before there were keys are read on, and a key is replaced by putting another
    in front of it.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        derived = [derive_key(one, PURPOSE) for one in keys]
        self._ciphers = {_id_of(one): AESGCM(one) for one in derived}
        self._sealing_id = _id_of(derived[0])

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads sealed; one that is sealed already is not sealed twice."""
        return [one if _is_sealed(one) else self._seal(one) for one in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads in the clear. Raises PayloadKeyMissing."""
        return [self._open(one) if _is_sealed(one) else one for one in payloads]

    def _seal(self, payload: Payload) -> Payload:
        nonce = os.urandom(NONCE_BYTES)
        cipher = self._ciphers[self._sealing_id]
        sealed = cipher.encrypt(nonce, payload.SerializeToString(), ENCODING)
        return Payload(
            metadata={"encoding": ENCODING, KEY_ID: self._sealing_id.encode()}, data=nonce + sealed
        )

    def _open(self, payload: Payload) -> Payload:
        key_id = _key_id_in(payload)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise PayloadKeyMissing(key_id)
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, sealed, ENCODING))
        except InvalidTag:
            raise PayloadKeyMissing(key_id) from None


class SealedPayloadConverter(EncodingPayloadConverter):
    """Says what is missing where a process without any key meets a sealed payload."""

    @property
    def encoding(self) -> str:
        """What sealed payloads are marked with."""
        return ENCODING.decode()

    def to_payload(self, value: Any) -> Payload | None:  # noqa: ANN401, ARG002  (the SDK's)
        """Nothing is sealed here: that is the codec's."""
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:  # noqa: ANN401, ARG002  (the library's signature)
        """Raise PayloadKeyMissing: the codec would have opened it."""
        raise PayloadKeyMissing(_key_id_in(payload))


def _is_sealed(payload: Payload) -> bool:
    return payload.metadata.get("encoding") == ENCODING


def _key_id_in(payload: Payload) -> str:
    return payload.metadata.get(KEY_ID, b"").decode("ascii", "replace")


def _id_of(key: bytes) -> str:
    return hashlib.sha256(PURPOSE + key).hexdigest()[:16]
