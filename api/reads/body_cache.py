"""Bodies of answers that are given again and again, written once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from cachetools import FIFOCache

MOST_BODIES: Final = 20_000


class BodyCache:
    """The body that was last written for a question, good for the very same answer only."""

    def __init__(self) -> None:
        self._cached: FIFOCache[Hashable, tuple[object, bytes]] = FIFOCache(MOST_BODIES)

    def find(self, question: Hashable, answer: object) -> bytes | None:
        """The body of this answer, if it is the one that was cached."""
        cached = self._cached.get(question)
        return cached[1] if cached is not None and cached[0] is answer else None

    def put(self, question: Hashable, answer: object, body: bytes) -> None:
        """Cache the body in place of the former one, of the 20,000 newest questions."""
        self._cached[question] = (answer, body)
