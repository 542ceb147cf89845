"""Which events count, and with which quantity: the one definition for every statement.

An event counts if it passed its meter's filters, did not happen in a pause, and is not void; it
counts with the quantity of its latest correction, else with its own. Whether a new event counts,
before anything can have corrected it, says ``NewEvent.counts`` in
``repositories.ingestion.writer``.
"""

from __future__ import annotations

from typing import Final

COUNTS: Final = "event.counted AND NOT event.paused AND correction.kind IS DISTINCT FROM 'void'"
"""Whether the row ``event``, joined with its latest ``correction``, counts."""

QUANTITY: Final = "coalesce(correction.quantity, event.quantity)"
"""The quantity with which it counts."""


def latest_corrections(conditions: str) -> str:
    """The latest correction of each event among the corrections under these conditions.

    Joined as ``correction`` on the event's id. The table goes by the name ``made``.
    """
    return f"""(
    SELECT DISTINCT ON (made.event_id) made.event_id, made.kind, made.quantity
    FROM usage_correction AS made
    WHERE {conditions}
    ORDER BY made.event_id, made.arrival_sequence DESC
)"""  # noqa: S608  (the conditions are constants of the statements)
