"""The text of statements as the driver gets it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection, AsyncRawCursor

_GAPS: Final = re.compile(r"\s+(?:--.*\s*)*")
"""What separates words: spaces, line ends, and comments until theirs."""

_PARAMETER: Final = re.compile(r"%\((\w+)\)s")


def compact(statement: str) -> str:
    """The statement in one line and without comments, which stand on lines of their own.

    The driver reads a text of more than 4,096 characters anew each time; a shorter one it knows.
    """
    return _GAPS.sub(" ", statement).strip()


@dataclass(frozen=True, slots=True)
class LongStatement:
    """A statement that is too long for the driver to know: its parameters are found once, here."""

    text: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, statement: str) -> LongStatement:
        """A statement with parameters such as ``%(name)s``, and no other percent signs."""
        names = tuple(dict.fromkeys(_PARAMETER.findall(statement)))
        places = {name: f"${place}" for place, name in enumerate(names, start=1)}
        return cls(_PARAMETER.sub(lambda found: places[found[1]], compact(statement)), names)

    async def execute(
        self, connection: AsyncConnection[Any], values: Mapping[str, object]
    ) -> AsyncRawCursor[Any]:
        """Execute it with values by their names."""
        cursor = AsyncRawCursor(connection)
        return await cursor.execute(self.text, [values[name] for name in self.names])
