"""The text of statements as the driver gets it."""

from __future__ import annotations

import re
from typing import Final

_GAPS: Final = re.compile(r"\s+(?:--.*\s*)*")
"""What separates words: spaces, line ends, and comments until theirs."""


def compact(statement: str) -> str:
    """The statement in one line and without comments, which stand on lines of their own.

    The driver reads a text of more than 4,096 characters anew each time; a shorter one it knows.
    """
    return _GAPS.sub(" ", statement).strip()
