"""Bodies of answers that are given again and again, written once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

MOST_BODIES: Final = 20_000


class KeptBodies:
    """The body that was last written for a question, good for the very same answer only."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[object, bytes]] = {}

    def find(self, question: Hashable, answer: object) -> bytes | None:
        """The body of this answer, if it is the one that was kept."""
        kept = self._kept.get(question)
        return kept[1] if kept is not None and kept[0] is answer else None

    def keep(self, question: Hashable, answer: object, body: bytes) -> None:
        """Keep the body in place of the former one. The 20,000 newest questions are kept."""
        self._kept.pop(question, None)
        if len(self._kept) >= MOST_BODIES:
            del self._kept[next(iter(self._kept))]
        self._kept[question] = (answer, body)
