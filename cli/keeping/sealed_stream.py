"""A file that only the installation's key opens, written and read from one end to the other.

Blocks of a mebibyte are sealed one by one by AES-256-GCM. The nonce of each is its number and
whether it is the last, so that none can be left out, moved or appended (the construction STREAM of
Hoang, Reyhanitabar, Rogaway and Vizár). Each file has a key of its own, drawn from its salt.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC: Final = b"fluxrate backup 1\n"
SALT_BYTES: Final = 32
TAG_BYTES: Final = 16
BLOCK_BYTES: Final = 1024 * 1024


class NotOpened(Exception):
    """No key opens the file, or it is not whole; the text says which."""


class SealedWriter(io.RawIOBase):
    """Seals what is written to it. Closing it writes the last block, without which none is read."""

    def __init__(self, file: BinaryIO, secret_key: str) -> None:
        super().__init__()
        salt = os.urandom(SALT_BYTES)
        self._file, self._cipher = file, _cipher(secret_key, salt)
        self._rest = bytearray()
        self._number = 0
        file.write(MAGIC + salt)

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object, /) -> int:
        """Take all of it."""
        part = memoryview(data).cast("B")  # type: ignore[arg-type]  # whatever holds bytes
        self._rest += part
        # The last block is not known before the end.
        while len(self._rest) > BLOCK_BYTES:
            self._seal(bytes(self._rest[:BLOCK_BYTES]), is_last=False)
            del self._rest[:BLOCK_BYTES]
        return len(part)

    def close(self) -> None:
        """The last block is written; the file beneath stays open."""
        if not self.closed:
            self._seal(bytes(self._rest), is_last=True)
        super().close()

    def _seal(self, block: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, is_last), block, None))
        self._number += 1


class SealedReader(io.RawIOBase):
    """Opens what was sealed, block by block; none is given that is not the one written.

    Raises NotOpened.
    """

    def __init__(self, file: BinaryIO, secret_keys: Sequence[str]) -> None:
        super().__init__()
        if file.read(len(MAGIC)) != MAGIC:
            raise NotOpened("It is no backup of Fluxrate.")
        salt = file.read(SALT_BYTES)
        self._file = file
        self._number = 0
        self._ahead = file.read(BLOCK_BYTES + TAG_BYTES)
        self._rest = b""
        self._is_over = False
        self._cipher = self._find_cipher(secret_keys, salt)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: object, /) -> int:
        """As much as is open, or the next block."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # whatever holds bytes
        while not self._rest and not self._is_over:
            self._open_next()
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def _find_cipher(self, secret_keys: Sequence[str], salt: bytes) -> AESGCM:
        is_last = len(self._ahead) < BLOCK_BYTES + TAG_BYTES
        for secret_key in secret_keys:
            cipher = _cipher(secret_key, salt)
            for last in {is_last, True}:
                try:
                    cipher.decrypt(_nonce(0, last), self._ahead, None)
                except InvalidTag:
                    continue
                return cipher
        raise NotOpened("None of the keys opens it.")

    def _open_next(self) -> None:
        block, self._ahead = self._ahead, self._file.read(BLOCK_BYTES + TAG_BYTES)
        is_last = not self._ahead
        try:
            self._rest = self._cipher.decrypt(_nonce(self._number, is_last), block, None)
        except InvalidTag:
            raise NotOpened("It was changed, or is not whole.") from None
        self._number += 1
        self._is_over = is_last


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _cipher(secret_key: str, salt: bytes) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"fluxrate backup")
    return AESGCM(derived.derive(secret_key.encode()))
