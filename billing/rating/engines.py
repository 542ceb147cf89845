"""Engines: by which version of the rules a bill was made, so that it can be made again.

A rule that changes amounts gets a new version, and a bill keeps the version it was made by: it is
verified, and rated again for late usage, by that one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Engine(StrEnum):
    """The versions of the rules.

    FIRST rounded AVG and WEIGHTED_SUM to 20 places and shares to 40, waived the fixed fee of a
    percentage where the allowance covered the amount, and held every part of a period to the
    minimum and maximum of a whole one. SECOND does as CONTRACT 91, 92 and 93 say.
    """

    FIRST = "1"
    SECOND = "2"

    @property
    def is_first(self) -> bool:
        """Whether the rules are those before CONTRACT 91 to 93."""
        return self is Engine.FIRST


ENGINE_VERSION: Final = Engine.SECOND
