"""What strangers are told of a receipt, whichever way they ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What anybody may know: ``equal``, ``different`` or ``unsigned``, and of what.

    ``recomputed`` says whether the events were counted again, ``void`` whether nobody owes it.
    """

    invoice_number: str | None
    total: str
    currency: str
    inputs_digest: str | None
    lines_digest: str | None
    signature: str | None
    verdict: str
    recomputed: bool
    void: bool
    checked_at: datetime
