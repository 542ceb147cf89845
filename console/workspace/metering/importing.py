"""Events out of a file: sent by the browser itself, in parts, as a program would send them."""

from __future__ import annotations

from typing import Final

from console.workspace.asking import API, Call, Member
from console.workspace.frame import Screen

IMPORT: Final = "/events/import"
SENT: Final = Call(method="POST", path=f"{API}/usage/batch?results=errors", lines="events.ndjson")
EXAMPLE: Final = (
    '{"meter_name": "api_calls", "customer_external_id": "acct_77", "quantity": 12,'
    ' "timestamp": "2026-01-05T10:00:00Z", "idempotency_key": "job-4711"}'
)


async def show_import(_member: Member) -> Screen:
    """A form for a file; how far it was sent, and which lines were refused, its script shows."""
    return Screen(
        template="import.html",
        title="Import events",
        values={"example": EXAMPLE, "sent": SENT},
    )
