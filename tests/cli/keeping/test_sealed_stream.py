"""What is sealed opens whole, by its key, or not at all."""

from __future__ import annotations

import io

import pytest

from cli.keeping.sealed_stream import (
    BLOCK_BYTES,
    MAGIC,
    SALT_BYTES,
    TAG_BYTES,
    NotOpened,
    SealedReader,
    SealedWriter,
)

KEY, OTHER = "k" * 40, "o" * 40
HEAD = len(MAGIC) + SALT_BYTES
BLOCK = BLOCK_BYTES + TAG_BYTES
SIZES = (0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES, 3 * BLOCK_BYTES + 7)


def seal(content: bytes) -> bytes:
    file = io.BytesIO()
    with SealedWriter(file, KEY) as sealed:
        view = memoryview(content)
        while view:
            view = view[sealed.write(view[:700_001]) :]
    return file.getvalue()


def unseal(sealed: bytes, *keys: str) -> bytes:
    with SealedReader(io.BytesIO(sealed), keys or (KEY,)) as opened:
        return opened.read()


def content_of(size: int) -> bytes:
    return bytes(index * 31 % 251 for index in range(1000)) * (size // 1000 + 1)


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_is_read(size: int) -> None:
    content = content_of(size)[:size]

    assert unseal(seal(content)) == content


def test_nothing_of_it_can_be_read_without_the_key() -> None:
    canary = b"canary of a customer" * 1000

    sealed = seal(canary)

    assert b"canary" not in sealed
    with pytest.raises(NotOpened, match="None of the keys"):
        unseal(sealed, OTHER)
    assert unseal(sealed, OTHER, KEY) == canary


def test_same_content_is_sealed_differently_each_time() -> None:
    assert seal(b"same") != seal(b"same")


@pytest.mark.parametrize("size", [1, 3 * BLOCK_BYTES + 7])
@pytest.mark.parametrize("place", [HEAD, -1])
def test_changed_byte_is_noticed(size: int, place: int) -> None:
    sealed = bytearray(seal(content_of(size)[:size]))
    sealed[place] ^= 1

    with pytest.raises(NotOpened):
        unseal(bytes(sealed))


def test_block_left_out_moved_or_cut_off_is_noticed() -> None:
    sealed = seal(content_of(3 * BLOCK_BYTES + 7))
    head, first, second = sealed[:HEAD], sealed[HEAD : HEAD + BLOCK], sealed[HEAD + BLOCK :]
    rest = second[BLOCK:]
    second = second[:BLOCK]

    for changed in (
        head + second + first + rest,
        head + first + rest,
        head + first + second,
        head + first,
        sealed + first,
    ):
        with pytest.raises(NotOpened):
            unseal(changed)


def test_another_file_is_none() -> None:
    with pytest.raises(NotOpened, match="no backup"):
        unseal(b"PK\x03\x04 something else")
