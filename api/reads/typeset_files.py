"""Files of documents that were typeset lately: the same document is not typeset twice.

A file is found by everything that its document says. So a credit note, a payment or another logo is
another file, and nothing has to be forgotten when something changes.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from threading import Lock
from typing import Final

from services.documents.pdf import render_pdf
from services.documents.view import Document

MOST_BYTES: Final = 32 * 1024 * 1024
"""Some hundreds of files of a page, in each process."""


class TypesetFiles:
    """Makes files, and gives those that it made before. Used by several threads."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def render(self, document: Document) -> bytes:
        """The document as a file. It computes, and so belongs in a thread."""
        # Every field in its written form, in which 5 and 5.0 differ: a fiftieth of a millisecond.
        key = sha256(repr(document).encode()).digest()
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        file = render_pdf(document)
        with self._lock:
            self._keep(key, file)
        return file

    def _keep(self, key: bytes, file: bytes) -> None:
        """The file is kept; what was asked for longest ago is forgotten for it."""
        if key in self._kept:
            return
        self._kept[key] = file
        self._size += len(file)
        while self._size > self._most_bytes:
            _, forgotten = self._kept.popitem(last=False)
            self._size -= len(forgotten)
