"""Files of documents that were typeset lately: the same document is not typeset twice.

A file is found by everything that its document says. So a credit note, a payment or another logo is
another file, and nothing has to be forgotten when something changes.
"""

from __future__ import annotations

from hashlib import sha256
from threading import Lock
from typing import Final

from cachetools import LRUCache

from services.documents.pdf import render_pdf
from services.documents.view import Document

MOST_BYTES: Final = 32 * 1024 * 1024
"""Some hundreds of files of a page, in each process."""


class TypesetFiles:
    """Makes files, and gives those that it made before. Used by several threads."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._kept: LRUCache[bytes, bytes] = LRUCache(most_bytes, getsizeof=len)
        self._lock = Lock()

    def render(self, document: Document) -> bytes:
        """The document as a file. It computes, and so belongs in a thread."""
        # Every field in its written form, in which 5 and 5.0 differ: a fiftieth of a millisecond.
        key = sha256(repr(document).encode()).digest()
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                return found
        file = render_pdf(document)
        with self._lock:
            # What was asked for longest ago is forgotten for it.
            if len(file) <= self._kept.maxsize:
                self._kept[key] = file
        return file
