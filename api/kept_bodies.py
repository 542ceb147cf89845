"""Bodies of answers that are given again and again, written once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

MOST_BODIES: Final = 20_000

Answer = TypeVar("Answer")


class KeptBodies:
    """The last body for each question, as long as the very same answer is given to it."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[Any, bytes]] = {}

    def body_of(
        self, question: Hashable, answer: Answer, write: Callable[[Answer], bytes]
    ) -> bytes:
        """What ``write`` makes of the answer. The newest 20,000 are kept."""
        kept = self._kept.pop(question, None)
        if kept is None or kept[0] is not answer:
            kept = (answer, write(answer))
            if len(self._kept) >= MOST_BODIES:
                del self._kept[next(iter(self._kept))]
        self._kept[question] = kept
        return kept[1]
