"""Telling every process that listens, without a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from psycopg import AsyncConnection

Said = tuple[str, str]
"""A channel, and what is said on it: less than 8,000 bytes."""

_TELL: Final = """
SELECT count(pg_notify(said.channel, said.words))
FROM unnest(%(channels)s::text[], %(words)s::text[]) AS said (channel, words)"""


async def tell_all(connection: AsyncConnection, said: Sequence[Said]) -> None:
    """Whoever listens to the channels hears it at once, the process itself included."""
    channels, words = zip(*said, strict=True)
    await connection.execute(_TELL, {"channels": list(channels), "words": list(words)})
