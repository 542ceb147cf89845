"""Views that were written lately: what says the same is not written twice.

A view shows what its document says and nothing else, and the database writes the document for each
request anew. So nothing is out of date here, and nothing is to be forgotten when something changes.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import getsizeof
from typing import Final, NamedTuple, Protocol, TypeVar

from cachetools import LRUCache

from api.transport.exact_json import dump_json

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MOST_BYTES: Final = 32 * 1024 * 1024
"""Of documents and of what was written of them; some thousands of invoices, in each process."""

MOST_BYTES_OF_ONE: Final = 256 * 1024
"""What is larger is read seldom, and would take the place of many."""


class Decodes(Protocol[T_co]):
    """Reads documents of one shape."""

    def decode(self, document: str, /) -> T_co:
        """What a document says."""


class _Written(NamedTuple):
    body: bytes
    size: int
    """With the document that it was written of."""


class WrittenViews:
    """Writes views, and gives those that it wrote before. Used on the event loop."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._kept: LRUCache[tuple[object, str], _Written] = LRUCache(
            most_bytes, getsizeof=_size_of
        )

    def write(self, read: Decodes[T], view: Callable[[T], object], document: str) -> bytes:
        """The view of a document. It depends on nothing but what the document says."""
        key = (view, document)
        known = self._kept.get(key)
        if known is not None:
            return known.body
        body = dump_json(view(read.decode(document)))
        written = _Written(body, getsizeof(document) + len(body))
        if written.size <= MOST_BYTES_OF_ONE:
            self._kept[key] = written
        return body


def _size_of(written: _Written) -> int:
    return written.size
